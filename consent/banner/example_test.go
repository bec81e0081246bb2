package banner_test

import (
	"context"
	"html/template"
	"net/http"
	"net/http/httptest"
	"os"

	"github.com/candorhttp/candor/consent"
	"github.com/candorhttp/candor/consent/banner"
	"github.com/candorhttp/candor/consent/consenttest"
	"github.com/candorhttp/candor/consent/ledger"
)

func ExamplePages_Bind() {
	keys, err := consent.ParseKeys(consent.GenerateKey())
	if err != nil {
		panic(err)
	}
	manager, err := consent.New(consent.Config{Policy: policy(), Keys: keys, Ledger: ledger.Memory()})
	if err != nil {
		panic(err)
	}
	defer manager.Close(context.Background())
	pages, err := banner.New(manager, banner.Options{})
	if err != nil {
		panic(err)
	}
	// {{.Consent.Banner}} stands after <body>, {{.Consent.Change}} in the footer.
	tmpl := template.Must(template.New("home").Parse(
		`{{if .Consent.Allowed "analytics"}}counted{{else}}not counted{{end}}, <a href="{{.Consent.Link}}">choices</a>` + "\n"))
	home := func(w http.ResponseWriter, r *http.Request) {
		_ = tmpl.Execute(os.Stdout, struct{ Consent banner.Bound }{pages.Bind(r)})
	}
	r := httptest.NewRequest("GET", "/", nil)
	for _, choice := range []consenttest.Choice{consenttest.Granted(consent.Analytics), consenttest.Denied(consent.Analytics)} {
		home(httptest.NewRecorder(), r.WithContext(consenttest.With(r.Context(), choice)))
	}
	// Output:
	// counted, <a href="/privacy/">choices</a>
	// not counted, <a href="/privacy/">choices</a>
}
