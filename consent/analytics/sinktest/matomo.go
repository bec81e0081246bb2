package sinktest

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"testing"
	"time"
)

// Matomo starts a stand-in of Matomo's bulk tracking that knows one site and one
// token, that of a super user; "" for none
// (https://developer.matomo.org/api-reference/tracking-api; answers after
// plugins/BulkTracking/Tracker/Response.php).
func Matomo(t testing.TB, siteID int, token string) *Stub {
	answer := func(w http.ResponseWriter, n int, refused []int) {
		a := map[string]any{"status": "success", "tracked": n - len(refused), "invalid": len(refused)}
		if token != "" {
			a["invalid_indices"] = append([]int{}, refused...)
		}
		writeJSON(w, http.StatusOK, a)
	}
	return Serve(t, Protocol{
		Take:   func(r *http.Request, body []byte) (int, error) { return takeMatomo(r, body, siteID, token) },
		Accept: func(w http.ResponseWriter, n int) { answer(w, n, nil) },
		Refuse: answer,
	})
}

var (
	hex16   = regexp.MustCompile(`^[0-9a-fA-F]{16}$`)
	letters = regexp.MustCompile(`^[a-z]{2}$`)
	number  = regexp.MustCompile(`^-?[0-9]+(\.[0-9]+)?$`)
	whole   = regexp.MustCompile(`^[0-9]{1,9}$`)
	custom  = regexp.MustCompile(`^dimension[1-9][0-9]{0,2}$`)
	some    = regexp.MustCompile(`\S`)
	any1    = regexp.MustCompile(`(?s)^.*$`)
	one     = regexp.MustCompile(`^1$`)
	seconds = regexp.MustCompile(`^[0-9]{10}$`)
	bit     = regexp.MustCompile(`^[01]$`)
)

// matomoParams are those of the documentation that a server has a use for.
var matomoParams = map[string]*regexp.Regexp{
	"idsite": whole, "rec": one, "apiv": one, "rand": any1, "url": some, "action_name": any1, "urlref": some,
	"_id": hex16, "cid": hex16, "new_visit": bit, "ua": some, "lang": some, "cdt": seconds, "country": letters,
	"e_c": some, "e_a": some, "e_n": any1, "e_v": number, "ca": one, "pv_id": regexp.MustCompile(`^[0-9a-zA-Z]{6}$`),
	"pf_net": whole, "pf_srv": whole, "pf_tfr": whole, "pf_dm1": whole, "pf_dm2": whole, "pf_onl": whole,
	"link": some, "idgoal": whole, "revenue": number, "search": some, "search_cat": any1, "search_count": whole,
}

func takeMatomo(r *http.Request, body []byte, siteID int, token string) (int, error) {
	if err := expect(r, "/matomo.php"); err != nil {
		return 0, err
	}
	var b struct {
		Requests []string `json:"requests"`
		Token    *string  `json:"token_auth"`
	}
	if err := decode(body, &b); err != nil {
		return 0, err
	}
	if len(b.Requests) == 0 {
		return 0, errors.New("there are no requests")
	}
	if token == "" && b.Token != nil || token != "" && (b.Token == nil || *b.Token != token) {
		return 0, errors.New("token_auth is not the token")
	}
	var last int64
	for i, text := range b.Requests {
		at, err := takeMatomoRequest(text, siteID, token != "")
		if err == nil && at < last {
			err = errors.New("it is older than the one before")
		}
		if err != nil {
			return 0, fmt.Errorf("request %d: %w", i, err)
		}
		last = at
	}
	return len(b.Requests), nil
}

// takeMatomoRequest checks one request and returns its time.
func takeMatomoRequest(text string, siteID int, authenticated bool) (int64, error) {
	if text == "" || text[0] != '?' {
		return 0, errors.New("it does not begin with a question mark")
	}
	q, err := url.ParseQuery(text[1:])
	if err != nil {
		return 0, errors.New("it is not a query")
	}
	for key, values := range q {
		form := matomoParams[key]
		if custom.MatchString(key) {
			form = any1
		}
		switch {
		case form == nil:
			return 0, fmt.Errorf("the parameter %q is not known", key)
		case len(values) != 1:
			return 0, fmt.Errorf("the parameter %q is there twice", key)
		case !form.MatchString(values[0]):
			return 0, fmt.Errorf("the parameter %q has not the form %s", key, form)
		case key == "country" && !authenticated:
			return 0, errors.New("country needs a token")
		}
	}
	for _, key := range []string{"rec", "idsite", "url"} {
		if !q.Has(key) {
			return 0, fmt.Errorf("the parameter %q is missing", key)
		}
	}
	if q.Get("idsite") != strconv.Itoa(siteID) {
		return 0, errors.New("the site is not known")
	}
	if q.Has("e_c") != q.Has("e_a") {
		return 0, errors.New("an event has a category and an action")
	}
	at := time.Now().Unix()
	if q.Has("cdt") {
		if at, err = strconv.ParseInt(q.Get("cdt"), 10, 64); err != nil {
			return 0, err
		}
		if ago := time.Since(time.Unix(at, 0)); ago < 0 || ago > 24*time.Hour {
			return 0, errors.New("cdt is not of the last 24 hours")
		}
	}
	return at, page("url", q.Get("url"))
}
