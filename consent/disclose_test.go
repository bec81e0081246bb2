package consent_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/candorhttp/candor/consent"
	"github.com/candorhttp/candor/iputil"
)

var (
	payment = consent.Disclosure{Purpose: "payment", Recipient: "Pay GmbH"}
	adverts = consent.Disclosure{Purpose: consent.Marketing, Recipient: "Adverts Inc."}
)

// paying is a policy in which the payment intermediary gets the address.
func paying() consent.Policy {
	p := policy()
	p.Recipients = append(p.Recipients, consent.Recipient{Name: "Pay GmbH", Country: "DE", Safeguard: consent.SafeguardNone})
	d := declare("payment", 6, consent.Essential)
	d.Recipients = []string{"Pay GmbH"}
	p.Processing = append(p.Processing, d)
	return p
}

func TestPromise_P09_FullAddressOnlyByDisclosure(t *testing.T) {
	const visitor = "127.44.55.66"
	cfg := config(t)
	cfg.Policy, cfg.Disclosures = paying(), []consent.Disclosure{payment, adverts}
	m := newManager(t, cfg)
	undeclared := consent.Disclosure{Purpose: "payment", Recipient: "Adverts Inc."}
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		// What any other code in the handler could look at.
		fmt.Fprintf(w, "%s %v %+v %#v\n", r.RemoteAddr, r.Context(), r.Context(), r.Context())
		for _, d := range []consent.Disclosure{payment, adverts, undeclared, {}} {
			a, err := m.Disclose(r, d)
			if err != nil {
				require.ErrorIs(t, err, consent.ErrNotDisclosed)
				require.False(t, a.IsValid())
			}
			fmt.Fprintf(w, "=%v", a)
		}
	})
	plain, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	hidden, err := iputil.NewListener(plain, iputil.HideHost)
	require.NoError(t, err)
	server := &http.Server{Handler: m.Middleware(handler), ConnContext: iputil.ConnContext}
	go func() { _ = server.Serve(hidden) }()
	defer server.Close()
	client := &http.Client{Transport: &http.Transport{DialContext: (&net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(visitor)}}).DialContext}}
	defer client.CloseIdleConnections()
	w, err := client.Get("http://" + plain.Addr().String())
	require.NoError(t, err)
	defer w.Body.Close()
	body, err := io.ReadAll(w.Body)
	require.NoError(t, err)
	seen, handed, _ := strings.Cut(string(body), "\n=")
	require.NotContains(t, seen, visitor)
	require.Contains(t, seen, "127.44.55.0:0")
	require.Equal(t, visitor+"=invalid IP=invalid IP=invalid IP", handed)

	stats := m.Stats()
	require.Equal(t, map[string]uint64{"Pay GmbH": 1, "Adverts Inc.": 0}, stats.Disclosed)
	require.EqualValues(t, 3, stats.NotDisclosed)
	manifest, err := json.Marshal(m.Manifest().Disclosures)
	require.NoError(t, err)
	require.JSONEq(t, `[
		{"data":"client.address, in full","purpose":"marketing","recipient":"Adverts Inc.","country":"US","safeguard":"dpf"},
		{"data":"client.address, in full","purpose":"payment","recipient":"Pay GmbH","country":"DE","safeguard":"none"}]`, string(manifest))
}

func TestDiscloseAsksForConsent(t *testing.T) {
	cfg := config(t)
	cfg.Policy, cfg.Disclosures = paying(), []consent.Disclosure{adverts}
	m := newManager(t, cfg)
	s := serve(t, m, map[string]http.HandlerFunc{"/pay": func(w http.ResponseWriter, r *http.Request) {
		a, err := m.Disclose(r, adverts)
		fmt.Fprint(w, a, err)
	}})
	const no = "invalid IP consent: address not disclosed: the visitor does not allow it"
	for _, tt := range []struct{ name, cookie, want string }{
		{"undecided", "", no},
		{"another purpose", s.choose("", `{"analytics":true}`), no},
		{"refused", s.choose("", `{"marketing":false}`), no},
		{"allowed", s.choose("", `{"marketing":true}`), "127.0.0.1 <nil>"},
	} {
		a := s.do("GET", "/pay", "", "Cookie", tt.cookie)
		require.Equal(t, tt.want, a.body, tt.name)
		require.Contains(t, a.Header.Values("Vary"), "Cookie", tt.name)
		require.Equal(t, "private", a.Header.Get("Cache-Control"), tt.name)
	}
	_, err := m.Disclose(httptest.NewRequest("GET", "/", nil), adverts)
	require.ErrorIs(t, err, consent.ErrNotDisclosed, "outside the manager")
}

func TestDiscloseOfAnUnknownAddress(t *testing.T) {
	cfg := config(t)
	cfg.Policy, cfg.Disclosures = paying(), []consent.Disclosure{payment}
	m := newManager(t, cfg)
	r := httptest.NewRequest("GET", "/", nil)
	r.RemoteAddr = "@"
	_, err := m.Disclose(r, payment)
	require.ErrorIs(t, err, consent.ErrNotDisclosed)
	require.Zero(t, m.Stats().Disclosed["Pay GmbH"])
}

func TestDisclosureConfiguration(t *testing.T) {
	cfg := config(t)
	cfg.Policy = paying()
	cfg.Disclosures = []consent.Disclosure{payment, payment, {Purpose: "unknown"}, {Purpose: "payment", Recipient: "Adverts Inc."}}
	_, err := consent.New(cfg)
	require.ErrorContains(t, err, "Disclosures[1]: is there twice")
	require.ErrorContains(t, err, "Disclosures[2]: Purpose is not in the policy")
	require.ErrorContains(t, err, "Disclosures[3]: Recipient is not among")
}
