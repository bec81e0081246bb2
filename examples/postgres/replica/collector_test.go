package main

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync"
	"testing"
	"time"

	"github.com/candorhttp/candor/consent/analytics/sinktest"
)

// collector is a stand-in of Matomo that notes when what arrived of whom, at
// each attempt: also one that is not accepted was sent. It takes the third of
// three attempts while the crowd is there, so that events wait in the replicas'
// queues, where a withdrawal must find them.
type collector struct {
	mu       sync.Mutex
	came     []arrival
	attempts [2]int // by replica
	willing  bool   // takes all
}

// arrival is one event.
type arrival struct {
	at      time.Time
	replica int
	visitor string // Matomo's cid
}

// addresses starts a server for each replica, so that it is known who sent what.
func (c *collector) addresses(t *testing.T) (out []string) {
	stub := sinktest.Matomo(t, 1, "")
	for i := range c.attempts {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			now := time.Now()
			body, err := io.ReadAll(r.Body)
			if err != nil {
				return // its replica was killed
			}
			if !c.note(now, i, body) {
				http.Error(w, "back soon", http.StatusServiceUnavailable)
				return
			}
			r.Body = io.NopCloser(bytes.NewReader(body))
			stub.ServeHTTP(w, r)
		}))
		t.Cleanup(server.Close)
		out = append(out, server.URL)
	}
	return out
}

// note reports whether the attempt is one that is taken.
func (c *collector) note(at time.Time, replica int, body []byte) bool {
	var bulk struct{ Requests []string }
	_ = json.Unmarshal(body, &bulk) // the stub is who judges
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, text := range bulk.Requests {
		q, _ := url.ParseQuery(text[1:])
		c.came = append(c.came, arrival{at, replica, q.Get("cid")})
	}
	c.attempts[replica]++
	return c.willing || c.attempts[replica]%3 == 0
}

func (c *collector) takeAll() { c.mu.Lock(); defer c.mu.Unlock(); c.willing = true }

func (c *collector) arrivals() []arrival { c.mu.Lock(); defer c.mu.Unlock(); return c.came }
