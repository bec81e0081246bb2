package matomo_test

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/candorhttp/candor/consent/analytics"
	"github.com/candorhttp/candor/consent/analytics/sink"
	"github.com/candorhttp/candor/consent/analytics/sink/matomo"
	"github.com/candorhttp/candor/consent/analytics/sinktest"
)

const token = "33dc3f2536d3025974cccb4b4d2d98f4"

func TestConformance(t *testing.T) {
	sinktest.Run(t, sinktest.Harness{
		Stub: func(t testing.TB) *sinktest.Stub { return sinktest.Matomo(t, 3, token) },
		New: func(server string) (analytics.Sink, error) {
			return matomo.New(matomo.Config{
				Common: sink.Common{Server: server}, Site: "https://shop.example", SiteID: 3, Token: token,
				Dimensions: map[string]int{"device": 1, "pieces": 999},
			})
		},
		Secrets: []string{token},
	})
}

// The exact request of a batch, in the order of time.
func TestWireFormat(t *testing.T) {
	at := time.Now().UTC().Truncate(time.Minute).Add(-time.Minute)
	hour := at.Add(-time.Hour).Truncate(time.Hour)
	batch := []analytics.Delivery{
		{Name: "page_view", Time: at, Route: "/users/{id}", Pseudonym: "p1:20261120:00", Properties: []analytics.Property{
			analytics.Enum("device", "mobile"), analytics.Enum("country", "DE"),
		}},
		{Name: "purchase", Time: at, Route: "/basket", Pseudonym: "p1:20261120:00", Properties: []analytics.Property{analytics.Int("pieces", 3)}},
		{Name: "page_view", Time: hour, Bare: true},
	}
	for _, tt := range []struct {
		name, token, country, auth string
	}{
		{"with a token", token, "country=de&", `,"token_auth":"` + token + `"`},
		{"without", "", "", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			stub := sinktest.Matomo(t, 3, tt.token)
			s, err := matomo.New(matomo.Config{
				Common: sink.Common{Server: stub.URL}, Site: "https://shop.example", SiteID: 3, Token: sink.Secret(tt.token),
				Dimensions: map[string]int{"device": 1, "pieces": 999},
			})
			require.NoError(t, err)
			require.NoError(t, s.Send(t.Context(), batch))
			got := stub.Requests()[0]
			want := fmt.Sprintf(`{"requests":[`+
				`"?action_name=%%2F%%28none%%29&apiv=1&cdt=%d&idsite=3&new_visit=1&rec=1&url=https%%3A%%2F%%2Fshop.example%%2F%%2528none%%2529",`+
				`"?action_name=%%2Fusers%%2F%%7Bid%%7D&apiv=1&cdt=%d&cid=c64e7cda5f9e6088&`+tt.country+`dimension1=mobile&idsite=3&rec=1&url=https%%3A%%2F%%2Fshop.example%%2Fusers%%2F%%257Bid%%257D",`+
				`"?action_name=%%2Fbasket&apiv=1&ca=1&cdt=%d&cid=c64e7cda5f9e6088&dimension999=3&e_a=purchase&e_c=event&e_n=%%2Fbasket&idsite=3&rec=1&url=https%%3A%%2F%%2Fshop.example%%2Fbasket"`+
				`]%s}`, hour.Unix(), at.Unix(), at.Unix(), tt.auth)
			require.Equal(t, want, strings.ReplaceAll(string(got.Body), `\u0026`, "&"))
			require.Equal(t, http.Header{
				"Content-Type": {"application/json"}, "Content-Length": {strconv.Itoa(len(got.Body))}, "User-Agent": {"Candor/1"},
			}, got.Header)

			stub.Fail(sinktest.Refuse)
			err = s.Send(t.Context(), batch)
			want2 := &analytics.Rejected{Indexes: []int{2}, Reason: "invalid"}
			require.Equal(t, want2, err, "the first in time was the last of the batch")
		})
	}
}

func TestAnswers(t *testing.T) {
	refused := func(i ...int) error { return &analytics.Rejected{Indexes: i, Reason: "invalid"} }
	unclear := &analytics.Failed{Kind: analytics.Ambiguous, Reason: "answer not understood"}
	for body, want := range map[string]error{
		`{"status":"success","tracked":3,"invalid":0}`:                              nil,
		`{"status":"success","tracked":3,"invalid":0,"invalid_indices":[]}`:         nil,
		`{"status":"success","tracked":1,"invalid":2,"invalid_indices":[2,0]}`:      refused(0, 2),
		`{"status":"success","tracked":1,"invalid":2}`:                              refused(0, 1),
		`{"status":"success","tracked":2,"invalid":1,"invalid_indices":[1,7,-1,1]}`: refused(1),
		`{"status":"success","tracked":0,"invalid":4}`:                              unclear,
		`{"status":"success","tracked":0,"invalid":-1}`:                             unclear,
		`{"status":"error","tracked":2,"invalid":0}`:                                unclear,
		`{"status":"success"}`:                                                      unclear,
		`{"status":"success","tracked":"3","invalid":0}`:                            unclear,
		`<html>`: unclear,
		``:       unclear,
	} {
		require.Equal(t, want, matomo.Judge([]byte(body), 3), body)
	}
}

func FuzzAnswer(f *testing.F) {
	f.Add([]byte(`{"status":"success","tracked":1,"invalid":2,"invalid_indices":[2,0]}`), 3)
	f.Add([]byte(`{"status":"success","tracked":1,"invalid":2}`), 3)
	f.Fuzz(func(t *testing.T, body []byte, n int) {
		n = min(max(n, 1), 100)
		err := matomo.Judge(body, n)
		var r *analytics.Rejected
		var failed *analytics.Failed
		switch {
		case err == nil:
		case errors.As(err, &r):
			require.True(t, slices.IsSorted(r.Indexes))
			for i, at := range r.Indexes {
				require.True(t, at >= 0 && at < n && (i == 0 || r.Indexes[i-1] < at))
			}
		default:
			require.ErrorAs(t, err, &failed)
		}
	})
}

func TestNewFaults(t *testing.T) {
	_, err := matomo.New(matomo.Config{Common: sink.Common{Server: "https://shop.matomo.cloud"}, Token: "with space", Dimensions: map[string]int{"a": 1000, "b": 5, "c": 5}})
	require.ErrorContains(t, err, "matomo: config: Recipient: is missing")
	require.ErrorContains(t, err, "matomo: config: Site: is not an https address")
	require.ErrorContains(t, err, "matomo: config: SiteID: is 0")
	require.ErrorContains(t, err, "matomo: config: Token: is not a token")
	require.ErrorContains(t, err, "matomo: config: Dimensions: 1000 is out of")
	require.ErrorContains(t, err, "matomo: config: Dimensions: 5 is out of 1 to 999 or there twice")
	require.Error(t, new(matomo.Sink).Send(t.Context(), sinktest.Deliveries(1)))
}

func Example() {
	to, err := matomo.New(matomo.Config{
		Common: sink.Common{Server: "https://matomo.shop.example"}, Site: "https://shop.example",
		SiteID: 1, Token: "33dc3f2536d3025974cccb4b4d2d98f4",
	})
	if err != nil {
		panic(err)
	}
	fmt.Println(to, to.Destination().Endpoint)
	// Output: matomo.Sink https://matomo.shop.example/matomo.php
}
