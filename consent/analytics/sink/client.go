package sink

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/candorhttp/candor/consent/analytics"
)

const (
	// maxAnswer is far above what the destinations answer, a few hundred bytes.
	maxAnswer = 64 << 10
	maxHeader = 32 << 10
	// timeout bounds one attempt; the pipeline's own deadline may be shorter.
	timeout = 10 * time.Second
	// maxAfter bounds what a Retry-After may say: a day.
	maxAfter = 24 * time.Hour
)

// Client posts to one address. Make it with NewClient. It is safe for concurrent
// use.
type Client struct {
	endpoint *url.URL
	http     *http.Client
}

// NewClient returns a Client for an address that [ParseEndpoint] accepts.
func NewClient(endpoint string) (*Client, error) {
	u, err := ParseEndpoint(endpoint)
	if err != nil {
		return nil, err
	}
	return &Client{endpoint: u, http: &http.Client{
		Timeout: timeout,
		Transport: &http.Transport{
			Proxy:                  http.ProxyFromEnvironment,
			TLSHandshakeTimeout:    timeout / 2,
			IdleConnTimeout:        30 * time.Second,
			MaxIdleConnsPerHost:    1,
			MaxResponseHeaderBytes: maxHeader,
			DisableCompression:     true,
			ForceAttemptHTTP2:      true,
		},
		// The first answer is the answer: nobody is followed elsewhere.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}, nil
}

// Endpoint returns the address.
func (c *Client) Endpoint() string { return c.endpoint.String() }

// Answer is what a destination said.
type Answer struct {
	Status int
	Header http.Header
	// Body is the whole body, or nil when it was cut off or longer than 64 KiB.
	Body []byte
}

// Post sends a body and reads the answer. The header is the caller's and is not
// changed; User-Agent is "Candor/1" unless it names another. Every error is a
// *analytics.Failed; one is returned for each status that is not 2xx, beside the
// answer, so that a caller who knows better can look.
func (c *Client) Post(ctx context.Context, header http.Header, body []byte) (Answer, error) {
	var left atomic.Bool // something of the request may have reached the destination
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		WroteHeaders: func() { left.Store(true) },
	})
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, c.endpoint.String(), bytes.NewReader(body))
	if err != nil {
		return Answer{}, &analytics.Failed{Kind: analytics.Permanent, Reason: "request not made"}
	}
	for k, v := range header {
		r.Header[k] = v
	}
	if r.Header.Get("User-Agent") == "" {
		r.Header.Set("User-Agent", "Candor/1")
	}
	w, err := c.http.Do(r)
	if err != nil {
		// Its text holds the address, so none of it is kept.
		return Answer{}, lost(ctx, err, left.Load())
	}
	defer w.Body.Close()
	a := Answer{Status: w.StatusCode, Header: w.Header}
	text, err := io.ReadAll(io.LimitReader(w.Body, maxAnswer+1))
	if err == nil && len(text) <= maxAnswer {
		a.Body = text
	}
	return a, a.failure()
}

// lost names a failure without an answer.
func lost(ctx context.Context, err error, left bool) error {
	f := &analytics.Failed{Kind: analytics.Temporary, Reason: "no connection"}
	if left {
		f.Kind, f.Reason = analytics.Ambiguous, "connection lost"
	}
	var t interface{ Timeout() bool }
	switch {
	case errors.Is(ctx.Err(), context.Canceled):
		f.Reason = "cancelled"
	case errors.As(err, &t) && t.Timeout():
		f.Reason = "timed out"
	}
	return f
}

// failure judges a status.
func (a Answer) failure() error {
	if a.Status >= 200 && a.Status <= 299 {
		return nil
	}
	f := &analytics.Failed{Kind: analytics.Permanent, Reason: "status " + strconv.Itoa(a.Status)}
	switch {
	case a.Status == http.StatusRequestTimeout, a.Status == http.StatusTooManyRequests, a.Status == http.StatusServiceUnavailable:
		f.Kind, f.After = analytics.Temporary, RetryAfter(a.Header, time.Now())
	case a.Status >= 500:
		f.Kind = analytics.Ambiguous
	}
	return f
}

// RetryAfter reads Retry-After (RFC 9110 §10.2.3), in seconds or as a date, to a
// day at most; 0 when it says nothing that can be read.
func RetryAfter(h http.Header, now time.Time) time.Duration {
	text := h.Get("Retry-After")
	if len(text) > 64 {
		return 0
	}
	if n, err := strconv.ParseUint(text, 10, 31); err == nil {
		return min(time.Duration(n)*time.Second, maxAfter)
	}
	if at, err := http.ParseTime(text); err == nil {
		return min(max(at.Sub(now), 0), maxAfter)
	}
	return 0
}
