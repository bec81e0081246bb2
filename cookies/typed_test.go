package cookies_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/securecookie"
	"github.com/stretchr/testify/require"

	"github.com/candorhttp/candor/consent"
	"github.com/candorhttp/candor/cookies"
)

type login struct {
	Email string `json:"email"`
}

func TestTypedCookies(t *testing.T) {
	var sealed *cookies.Sealed[login]
	var signed *cookies.Signed[string]
	var errs []error
	page := func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/set":
			errs = append(errs, sealed.Set(w, r, login{"first@example.com"}), sealed.Set(w, r, login{"jane@example.com"}), signed.Set(w, r, "dark"))
		case "/clear":
			errs = append(errs, sealed.Clear(w, r), signed.Clear(w, r))
		default:
			l, err := sealed.Get(r)
			theme, err2 := signed.Get(r)
			errs = append(errs, err, err2)
			fmt.Fprint(w, l.Email, " ", theme)
		}
	}
	s := newSite(t, options{}, page)
	var err error
	sealed, err = cookies.NewSealed[login](s.gate, s.keys, "sid")
	require.NoError(t, err)
	signed, err = cookies.NewSigned[string](s.gate, s.keys, "theme")
	require.NoError(t, err)

	w, _ := s.get("/set", "")
	require.Equal(t, []string{"sid"}, names(set(w)))
	require.NoError(t, errs[0])
	require.NoError(t, errs[1])
	require.ErrorIs(t, errs[2], cookies.ErrNoConsent)
	require.NotContains(t, set(w)[0], "jane")
	require.True(t, strings.HasSuffix(set(w)[0], "; Path=/; Secure; HttpOnly; SameSite=Lax"), set(w)[0])

	granted := s.choose("", `{"preferences":true}`)
	errs = nil
	w, _ = s.get("/set", granted)
	require.Equal(t, []string{"sid", "theme"}, names(set(w)), "the second Set took the place of the first")
	require.Contains(t, set(w)[1], "; Max-Age=31536000;")
	var held []string
	for _, c := range w.Cookies() {
		held = append(held, c.Name+"="+c.Value)
	}
	errs = nil
	_, body := s.get("/", granted+"; "+strings.Join(held, "; "))
	require.Equal(t, "jane@example.com dark", body)
	require.NoError(t, errs[0])
	require.NoError(t, errs[1])

	for _, tt := range []struct {
		name, cookie string
		want         error
	}{
		{"absent", "", cookies.ErrAbsent},
		{"hidden", held[1], cookies.ErrTampered},
		{"tampered", held[0] + "x", cookies.ErrTampered},
		{"under another name", "sid=" + strings.TrimPrefix(held[1], "theme="), cookies.ErrTampered},
		{"too long", "sid=" + strings.Repeat("A", 6000), cookies.ErrTampered},
	} {
		t.Run(tt.name, func(t *testing.T) {
			errs = nil
			_, body := s.get("/", tt.cookie)
			require.Equal(t, " ", body, "to the visitor they look the same")
			if tt.name == "hidden" {
				require.ErrorIs(t, errs[1], cookies.ErrHidden, "no consent was sent along")
				require.NotErrorIs(t, errs[1], cookies.ErrAbsent)
				return
			}
			require.ErrorIs(t, errs[0], tt.want)
			require.NotContains(t, errs[0].Error(), "AAAA")
		})
	}
	w, _ = s.get("/clear", "")
	require.Equal(t, []string{"sid", "theme"}, names(set(w)), "clearing needs no consent")
}

func TestTypedCookieExpires(t *testing.T) {
	theme := spec("theme", necessary)
	theme.Lifetime = time.Hour
	var got error
	var signed *cookies.Signed[string]
	s := newSite(t, options{specs: []cookies.Spec{theme}}, func(w http.ResponseWriter, r *http.Request) { _, got = signed.Get(r) })
	var err error
	signed, err = cookies.NewSigned[string](s.gate, s.keys, "theme")
	require.NoError(t, err)
	// A value as this site made it two hours ago.
	old := encodeAt(t, s.keys.Derive("signed cookie/theme", 32)[0], "theme", `"v"`, time.Now().Add(-2*time.Hour))
	s.get("/", "theme="+old)
	require.ErrorIs(t, got, cookies.ErrExpired)
}

func TestTypedCookieKeysRotate(t *testing.T) {
	a, b := consent.GenerateKey(), consent.GenerateKey()
	parse := func(text string) consent.Keys {
		k, err := consent.ParseKeys(text)
		require.NoError(t, err)
		return k
	}
	var before, after, gone *cookies.Sealed[string]
	s := newSite(t, options{}, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/set" {
			require.NoError(t, before.Set(w, r, "v"))
			return
		}
		v, err := after.Get(r)
		require.NoError(t, err)
		require.Equal(t, "v", v)
		_, err = gone.Get(r)
		require.ErrorIs(t, err, cookies.ErrTampered)
	})
	for text, c := range map[string]**cookies.Sealed[string]{a: &before, b + "," + a: &after, b: &gone} {
		var err error
		*c, err = cookies.NewSealed[string](s.gate, parse(text), "sid")
		require.NoError(t, err)
	}
	w, _ := s.get("/set", "")
	s.get("/", "sid="+w.Cookies()[0].Value)
}

// What a cookie holds may be encoded by any codec, and each opens only its own.
func TestTypedCookieCodecs(t *testing.T) {
	var gob *cookies.Sealed[login]
	var raw *cookies.Signed[[]byte]
	var plain *cookies.Sealed[login]
	s := newSite(t, options{specs: []cookies.Spec{spec("gob", necessary), spec("raw", necessary)}}, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/set" {
			require.NoError(t, gob.Set(w, r, login{"jane@example.com"}))
			require.NoError(t, raw.Set(w, r, []byte("abc")))
			return
		}
		l, err := gob.Get(r)
		require.NoError(t, err)
		require.Equal(t, "jane@example.com", l.Email)
		b, err := raw.Get(r)
		require.NoError(t, err)
		require.Equal(t, "abc", string(b))
		_, err = plain.Get(r)
		require.ErrorIs(t, err, cookies.ErrTampered)
	})
	var err error
	gob, err = cookies.NewSealedWith[login](s.gate, s.keys, "gob", securecookie.GobEncoder{})
	require.NoError(t, err)
	plain, err = cookies.NewSealed[login](s.gate, s.keys, "gob")
	require.NoError(t, err)
	raw, err = cookies.NewSignedWith[[]byte](s.gate, s.keys, "raw", bytesCodec{})
	require.NoError(t, err)
	w, _ := s.get("/set", "")
	require.Len(t, w.Cookies(), 2)
	s.get("/", w.Cookies()[0].Name+"="+w.Cookies()[0].Value+"; "+w.Cookies()[1].Name+"="+w.Cookies()[1].Value)
}

// bytesCodec encodes a []byte as it is.
type bytesCodec struct{}

func (bytesCodec) Serialize(v any) ([]byte, error) { return v.([]byte), nil }

func (bytesCodec) Deserialize(b []byte, v any) error {
	*v.(*[]byte) = append([]byte(nil), b...)
	return nil
}

// A handler that stands outside the gate, or behind one that only reports, sees
// the browser's cookies; a typed one still tells it nothing without consent.
func TestTypedCookiesAskByThemselves(t *testing.T) {
	var theme *cookies.Signed[string]
	var got error
	read := func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			require.Contains(t, r.Header.Get("Cookie"), "theme=")
			_, got = theme.Get(r)
			next.ServeHTTP(w, r)
		})
	}
	for _, mode := range []cookies.Mode{cookies.Enforce, cookies.Report} {
		s := newSite(t, options{config: func(c *cookies.GateConfig) { c.Mode = mode }}, func(w http.ResponseWriter, r *http.Request) {
			require.NoError(t, theme.Set(w, r, "dark"))
		})
		var err error
		theme, err = cookies.NewSigned[string](s.gate, s.keys, "theme")
		require.NoError(t, err)
		granted := s.choose("", `{"preferences":true}`)
		w, _ := s.get("/", granted)
		held := "theme=" + w.Cookies()[0].Value
		outer := s.manager.Middleware(read(s.gate.Middleware(http.NotFoundHandler())))
		for cookie, want := range map[string]error{held: cookies.ErrHidden, granted + "; " + held: nil, granted + "; theme=x": cookies.ErrTampered} {
			rec := httptest.NewRecorder()
			outer.ServeHTTP(rec, request(t, "https://x.example/", cookie))
			require.ErrorIs(t, got, want)
			require.Equal(t, "private", rec.Header().Get("Cache-Control"), "the answer depends on the visitor")
		}
		// With nothing of this library around it, nobody could have been asked.
		read(http.NotFoundHandler()).ServeHTTP(httptest.NewRecorder(), request(t, "https://x.example/", held))
		require.ErrorIs(t, got, cookies.ErrHidden)
		_, err = theme.Get(request(t, "https://x.example/", "sid=1"))
		require.ErrorIs(t, err, cookies.ErrAbsent)
		require.ErrorIs(t, theme.Set(httptest.NewRecorder(), request(t, "https://x.example/", held), "dark"), cookies.ErrNoConsent)
	}
}

// A gate that has the manager needs no manager around it.
func TestTypedCookiesWithTheGateAlone(t *testing.T) {
	var theme *cookies.Signed[string]
	s := newSite(t, options{}, nil)
	theme, err := cookies.NewSigned[string](s.gate, s.keys, "theme")
	require.NoError(t, err)
	rec := httptest.NewRecorder()
	s.gate.Middleware(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		require.NoError(t, theme.Set(w, r, "dark"))
	})).ServeHTTP(rec, request(t, "https://x.example/", s.choose("", `{"preferences":true}`)))
	require.Equal(t, []string{"theme"}, names(rec.Header()["Set-Cookie"]))
}

// The first that can be believed counts, and a request full of forgeries costs
// no more than a few.
func TestTypedCookiesOfOneName(t *testing.T) {
	var sid *cookies.Sealed[string]
	var got string
	var why error
	s := newSite(t, options{}, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/set" {
			require.NoError(t, sid.Set(w, r, "good"))
		}
		got, why = sid.Get(r)
	})
	var err error
	sid, err = cookies.NewSealed[string](s.gate, s.keys, "sid")
	require.NoError(t, err)
	w, _ := s.get("/set", "")
	good := "sid=" + w.Cookies()[0].Value
	for forged, want := range map[int]string{0: "good", 7: "good", 8: "", 3000: ""} {
		s.get("/", strings.Repeat("sid=forged; ", forged)+good)
		require.Equal(t, want, got, forged)
		require.Equal(t, want == "", errors.Is(why, cookies.ErrTampered))
	}
}

// Not a byte over what every browser takes, attributes and all.
func TestTypedCookieSize(t *testing.T) {
	var sid *cookies.Signed[string]
	s := newSite(t, options{}, nil)
	sid, err := cookies.NewSigned[string](s.gate, s.keys, "sid")
	require.NoError(t, err)
	longest := 0
	for n := 2000; n < 2600; n++ {
		rec := httptest.NewRecorder()
		err := sid.Set(rec, request(t, "https://x.example/", ""), strings.Repeat("x", n))
		if err != nil {
			require.ErrorIs(t, err, cookies.ErrTooLarge)
			require.Empty(t, rec.Header())
			continue
		}
		longest = max(longest, len(rec.Header().Get("Set-Cookie")))
	}
	require.LessOrEqual(t, longest, 4096)
	require.Greater(t, longest, 4080)
}

func TestTypedCookieFaults(t *testing.T) {
	s := newSite(t, options{}, func(w http.ResponseWriter, r *http.Request) {})
	_, err := cookies.NewSealed[string](s.gate, consent.Keys{}, "unheard")
	require.ErrorContains(t, err, `cookies: typed cookie "unheard": name: is not declared`)
	require.ErrorContains(t, err, "keys: no key")
	_, err = cookies.NewSigned[string](nil, s.keys, "sid")
	require.ErrorContains(t, err, "gate: is missing")
	_, err = cookies.NewSigned[string](s.gate, s.keys, "_ga_*")
	require.ErrorContains(t, err, "name: is not declared", "a family is no cookie")
	_, err = consent.ParseKeys("ck1_tooshort")
	require.ErrorContains(t, err, "make one with consent.GenerateKey")

	signed, err := cookies.NewSigned[any](s.gate, s.keys, "sid")
	require.NoError(t, err)
	late := newSite(t, options{}, func(w http.ResponseWriter, r *http.Request) {
		require.ErrorIs(t, signed.Set(w, r, strings.Repeat("x", 5000)), cookies.ErrTooLarge)
		err := signed.Set(w, r, func() {})
		require.ErrorContains(t, err, "cannot be encoded")
		_, _ = w.Write([]byte("x"))
		require.ErrorIs(t, signed.Set(w, r, "x"), cookies.ErrLate)
		require.ErrorIs(t, signed.Clear(w, r), cookies.ErrLate)
	})
	w, _ := late.get("/", "")
	require.Empty(t, set(w))

	var zero cookies.Sealed[string]
	_, err = zero.Get(&http.Request{})
	require.ErrorIs(t, err, cookies.ErrAbsent)
	require.ErrorIs(t, zero.Set(nil, nil, ""), cookies.ErrNoConsent)
}
