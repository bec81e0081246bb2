package plausible_test

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/candorhttp/candor/consent/analytics"
	"github.com/candorhttp/candor/consent/analytics/sink"
	"github.com/candorhttp/candor/consent/analytics/sink/plausible"
	"github.com/candorhttp/candor/consent/analytics/sinktest"
)

func make(server string) (analytics.Sink, error) {
	return plausible.New(plausible.Config{Common: sink.Common{Server: server}, Site: "https://shop.example"})
}

func TestConformance(t *testing.T) {
	sinktest.Run(t, sinktest.Harness{
		Stub: func(t testing.TB) *sinktest.Stub { return sinktest.Plausible(t, "shop.example") },
		New:  make,
	})
}

// The exact request, for each kind of event.
func TestWireFormat(t *testing.T) {
	stub := sinktest.Plausible(t, "shop")
	s, err := plausible.New(plausible.Config{Common: sink.Common{Server: stub.URL}, Site: "https://www.shop.example", Domain: "shop"})
	require.NoError(t, err)
	at := time.Now().UTC().Truncate(time.Minute)
	const nobody, somebody = "2001:db8::1", "2001:db8:c64e:7cda:5f9e:6088:cc26:1"
	for _, tt := range []struct {
		event         analytics.Delivery
		body, address string
	}{
		{
			analytics.Delivery{Name: "page_view", Time: at, Route: "/", Bare: true},
			`{"name":"pageview","url":"https://www.shop.example/","domain":"shop"}`, nobody,
		},
		{
			analytics.Delivery{Name: "page_view", Time: at, Route: "/users/{id}", Pseudonym: "p1:20261120:00", Properties: []analytics.Property{
				analytics.Enum("device", "mobile"), analytics.Enum("country", "DE"),
			}},
			`{"name":"pageview","url":"https://www.shop.example/users/%7Bid%7D","domain":"shop","props":{"country":"DE","device":"mobile"}}`, somebody,
		},
		{
			analytics.Delivery{Name: "purchase", Time: at, Route: "", Pseudonym: "p1:20261120:00", Properties: []analytics.Property{
				analytics.Bool("gift", true), analytics.Int("pieces", -3), analytics.Float("weight", 0.5),
			}},
			`{"name":"purchase","url":"https://www.shop.example/%28none%29","domain":"shop","props":{"gift":"true","pieces":"-3","weight":"0.5"}}`, somebody,
		},
	} {
		require.NoError(t, s.Send(t.Context(), []analytics.Delivery{tt.event}))
		all := stub.Requests()
		last := all[len(all)-1]
		require.Equal(t, tt.body, string(last.Body))
		require.Equal(t, http.Header{
			"Content-Type": {"application/json"}, "Content-Length": {strconv.Itoa(len(tt.body))}, "User-Agent": {"Candor/1"}, "X-Forwarded-For": {tt.address},
		}, last.Header)
	}
}

func TestNamesOfPlausiblesOwn(t *testing.T) {
	stub := sinktest.Plausible(t, "shop.example")
	s, err := make(stub.URL)
	require.NoError(t, err)
	for _, name := range []string{"engagement", "pageview"} {
		err := s.Send(t.Context(), []analytics.Delivery{{Name: name}})
		require.Equal(t, &analytics.Rejected{Indexes: []int{0}, Reason: "reserved name"}, err)
	}
	require.Empty(t, stub.Requests())
}

func TestNewFaults(t *testing.T) {
	_, err := plausible.New(plausible.Config{Common: sink.Common{Server: "http://stats.example"}, Domain: strings.Repeat("d", 256)})
	require.ErrorContains(t, err, "plausible: config: Server: is not an https address")
	require.ErrorContains(t, err, "plausible: config: Site: is not an https address")
	require.ErrorContains(t, err, "plausible: config: Domain: is longer")
	require.Error(t, new(plausible.Sink).Send(t.Context(), sinktest.Deliveries(1)))
}

func Example() {
	to, err := plausible.New(plausible.Config{
		Common: sink.Common{Server: "https://plausible.io", Recipient: "Plausible Insights OÜ"},
		Site:   "https://shop.example",
	})
	if err != nil {
		panic(err)
	}
	d := to.Destination()
	fmt.Println(d.Name, d.Endpoint, d.Recipient)
	// Output: plausible https://plausible.io/api/event Plausible Insights OÜ
}
