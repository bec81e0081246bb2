package goatcounter_test

import (
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strconv"

	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/candorhttp/candor/consent/analytics"
	"github.com/candorhttp/candor/consent/analytics/sink"
	"github.com/candorhttp/candor/consent/analytics/sink/goatcounter"
	"github.com/candorhttp/candor/consent/analytics/sinktest"
)

const token = "2q2snk7clgqs63tr4xc5bwseajlw88qzilr8fq157jz3qxwwmz5"

func TestConformance(t *testing.T) {
	sinktest.Run(t, sinktest.Harness{
		Stub: func(t testing.TB) *sinktest.Stub { return sinktest.GoatCounter(t, token) },
		New: func(server string) (analytics.Sink, error) {
			return goatcounter.New(goatcounter.Config{Common: sink.Common{Server: server}, Token: token})
		},
		Secrets: []string{token},
	})
}

// The exact request of a batch.
func TestWireFormat(t *testing.T) {
	stub := sinktest.GoatCounter(t, token)
	s, err := goatcounter.New(goatcounter.Config{Common: sink.Common{Server: stub.URL}, Token: token})
	require.NoError(t, err)
	at := time.Now().UTC().Truncate(time.Minute)
	stamp := at.Format(time.RFC3339)
	page := analytics.Delivery{Name: "page_view", Time: at, Route: "/users/{id}", Pseudonym: "p1:20261120:00", Properties: []analytics.Property{
		analytics.Enum("device", "mobile"), analytics.Enum("country", "DE"),
	}}
	purchase := analytics.Delivery{Name: "purchase", Time: at, Route: "/basket", Pseudonym: "p1:20261120:00", Properties: []analytics.Property{analytics.Int("pieces", 3)}}
	bare := analytics.Delivery{Name: "page_view", Time: at, Bare: true}
	require.NoError(t, s.Send(t.Context(), []analytics.Delivery{page, purchase}))
	require.NoError(t, s.Send(t.Context(), []analytics.Delivery{page, bare}))
	const session = `"session":"c64e7cda5f9e6088cc26`
	got := stub.Requests()
	pageHit := `{"path":"/users/{id}","event":false,"created_at":"` + stamp + `",` + session + `…","location":"DE"}`
	require.Equal(t, `{"no_sessions":false,"hits":[`+pageHit+`,{"path":"purchase","event":true,"created_at":"`+stamp+`",`+session+`…"}]}`, short(got[0].Body))
	require.Equal(t, `{"no_sessions":true,"hits":[`+pageHit+`,{"path":"/(none)","event":false,"created_at":"`+stamp+`"}]}`, short(got[1].Body))
	require.Equal(t, http.Header{
		"Authorization": {"Bearer " + token}, "Content-Type": {"application/json"},
		"Content-Length": {strconv.Itoa(len(got[0].Body))}, "User-Agent": {"Candor/1"},
	}, got[0].Header)
}

// short leaves out the last 12 digits of the sessions.
func short(body []byte) string {
	return regexp.MustCompile(`("session":"[0-9a-f]{20})[0-9a-f]{12}"`).ReplaceAllString(string(body), `$1…"`)
}

func TestAnswers(t *testing.T) {
	bad := &analytics.Failed{Kind: analytics.Permanent, Reason: "status 400"}
	refused := func(reason string, i ...int) error { return &analytics.Rejected{Indexes: i, Reason: reason} }
	for _, tt := range []struct {
		name, body, filter string
		status             int
		want               error
	}{
		{"all", `{"status":"ok"}`, "", 202, nil},
		{"all, in other words", `thanks`, "", 202, nil},
		{"some filtered", `{"status":"ok"}`, "2, 0", 202, refused("filtered", 0, 2)},
		{"filtered, out of range", `{"status":"ok"}`, "7, -1, x", 202, nil},
		{"some invalid", `{"errors":{"1":"path: must be set."}}`, "", 400, refused("invalid", 1)},
		{"some invalid, others filtered", `{"errors":{"1":"path: must be set."}}`, "0", 400, refused("invalid", 0, 1)},
		{"invalid, in a list", `{"errors":{"1":["path: must be set."]}}`, "", 400, refused("invalid", 1)},
		{"no hits", `{"error":"no hits"}`, "", 400, bad},
		{"errors of the whole", `{"errors":{"hits":["too many"]}}`, "", 400, bad},
		{"errors of another batch", `{"errors":{"3":"path"}}`, "", 400, bad},
		{"another spelling", `{"errors":{"01":"path"}}`, "", 400, bad},
		{"no errors", `{"errors":{}}`, "", 400, bad},
		{"not JSON", `<html>`, "", 400, bad},
	} {
		t.Run(tt.name, func(t *testing.T) {
			h := http.Header{}
			if tt.filter != "" {
				h.Set("X-Goatcounter-Filter", tt.filter)
			}
			var err error
			if tt.status == 400 {
				err = &analytics.Failed{Kind: analytics.Permanent, Reason: "status 400"}
			}
			require.Equal(t, tt.want, goatcounter.Judge(sink.Answer{Status: tt.status, Header: h, Body: []byte(tt.body)}, err, 3))
		})
	}
}

// GoatCounter says in a field of its own when it will listen again.
func TestRateLimit(t *testing.T) {
	for reset, want := range map[string]time.Duration{"1": time.Second, "": 0, "-1": 0, "soon": 0, "99999": 0} {
		err := goatcounter.Judge(sink.Answer{Status: 429, Header: http.Header{"X-Rate-Limit-Reset": {reset}}}, &analytics.Failed{Kind: analytics.Temporary}, 1)
		require.Equal(t, &analytics.Failed{Kind: analytics.Temporary, After: want}, err, reset)
	}
	err := goatcounter.Judge(sink.Answer{Status: 429, Header: http.Header{"X-Rate-Limit-Reset": {"1"}}}, &analytics.Failed{Kind: analytics.Temporary, After: time.Minute}, 1)
	require.Equal(t, &analytics.Failed{Kind: analytics.Temporary, After: time.Minute}, err, "Retry-After comes first")
}

func FuzzAnswer(f *testing.F) {
	f.Add([]byte(`{"errors":{"1":"path: must be set."}}`), "5, 10", 20)
	f.Add([]byte(`{"status":"ok"}`), "0", 1)
	f.Fuzz(func(t *testing.T, body []byte, filter string, n int) {
		n = min(max(n, 1), 100)
		for _, status := range []int{202, 400} {
			var failure error
			if status == 400 {
				failure = &analytics.Failed{Kind: analytics.Permanent}
			}
			err := goatcounter.Judge(sink.Answer{Status: status, Header: http.Header{"X-Goatcounter-Filter": {filter}}, Body: body}, failure, n)
			var r *analytics.Rejected
			if errors.As(err, &r) {
				require.NotEmpty(t, r.Indexes)
				for i, at := range r.Indexes {
					require.True(t, at >= 0 && at < n && (i == 0 || r.Indexes[i-1] < at))
				}
			} else {
				require.Equal(t, failure, err)
			}
		}
	})
}

func TestNewFaults(t *testing.T) {
	_, err := goatcounter.New(goatcounter.Config{Common: sink.Common{Server: "https://shop.goatcounter.com"}})
	require.ErrorContains(t, err, "goatcounter: config: Recipient: is missing")
	require.ErrorContains(t, err, "goatcounter: config: Token: is not a token")
	require.Error(t, new(goatcounter.Sink).Send(t.Context(), sinktest.Deliveries(1)))
}

func Example() {
	to, err := goatcounter.New(goatcounter.Config{
		Common: sink.Common{Server: "https://stats.shop.example"},
		Token:  "2q2snk7clgqs63tr4xc5bwseajlw88qzilr8fq157jz3qxwwmz5",
	})
	if err != nil {
		panic(err)
	}
	fmt.Println(to, to.Destination().Endpoint)
	// Output: goatcounter.Sink https://stats.shop.example/api/v0/count
}
