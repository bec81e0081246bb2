package analytics_test

import (
	"context"
	"fmt"
	"html/template"
	"net/http"
	"net/http/httptest"
	"strings"
	"time"

	"github.com/candorhttp/candor/consent"
	"github.com/candorhttp/candor/consent/analytics"
	"github.com/candorhttp/candor/consent/ledger"
)

// printer is a sink of one's own: it writes events to standard output.
type printer struct{}

func (printer) Destination() analytics.Destination {
	return analytics.Destination{Name: "printer", MaxEvents: 100}
}

func (printer) Send(_ context.Context, batch []analytics.Delivery) error {
	for _, d := range batch {
		fmt.Print(d.Name, " on ", d.Route)
		for _, p := range d.Properties {
			fmt.Print(" ", p.Name(), "=", p.Text())
		}
		fmt.Println()
	}
	return nil
}

// A shop that counts orders of those who agreed.
func Example() {
	keys, _ := consent.ParseKeys(consent.GenerateKey())
	manager, err := consent.New(consent.Config{Policy: policy(), Keys: keys, Ledger: ledger.Memory()})
	if err != nil {
		fmt.Println(err)
		return
	}
	events, err := analytics.New(analytics.Config{
		Consent: manager,
		Sinks:   []analytics.Sink{printer{}},
		Events: []analytics.Spec{analytics.PageViews("printer"), {
			Name: "order", Sinks: []string{"printer"},
			Description: consent.Text{"en": "That something was ordered, and how much."},
			Properties: []analytics.PropertySpec{
				{Name: "size", Kind: analytics.KindEnum, Values: []string{"small", "large"}},
				{Name: "items", Kind: analytics.KindInt, Min: 1, Max: 100},
			},
		}},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	mux := http.NewServeMux()
	mux.Handle("/privacy/", manager.Handler())
	mux.Handle(events.Prefix(), events.Handler())
	mux.HandleFunc("GET /orders/{id}", func(w http.ResponseWriter, r *http.Request) {
		events.Track(r.Context(), analytics.Event{Name: "order", Properties: []analytics.Property{
			analytics.Enum("size", "large"), analytics.Int("items", 3),
			analytics.Enum("email", "jane@example.com"), // not declared, so it does not exist
		}})
		w.Header().Set("Content-Type", "text/html")
		fmt.Fprint(w, "<!doctype html><p>Thank you")
	})
	site := manager.Middleware(events.Middleware(mux))

	site.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "/orders/1", nil)) // nobody agreed
	w := httptest.NewRecorder()
	yes := httptest.NewRequest("POST", "/privacy/decision", strings.NewReader(`{"grants":{"analytics":true}}`))
	yes.Header.Set("Content-Type", "application/json")
	site.ServeHTTP(w, yes)
	r := httptest.NewRequest("GET", "/orders/2", nil)
	r.AddCookie(w.Result().Cookies()[0])
	site.ServeHTTP(httptest.NewRecorder(), r)

	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	fmt.Println(events.Shutdown(ctx), manager.Close(ctx))
	// Output:
	// order on /orders/{id} size=large items=3
	// page_view on /orders/{id} status=2xx device=other
	// <nil> <nil>
}

// Links that lead away, in a template. Everybody gets the same page.
func ExamplePipeline_Link() {
	keys, _ := consent.ParseKeys(consent.GenerateKey())
	manager, err := consent.New(consent.Config{Policy: policy(), Keys: keys, Ledger: ledger.Memory()})
	if err != nil {
		fmt.Println(err)
		return
	}
	events, err := analytics.New(analytics.Config{Consent: manager, Keys: keys, Events: []analytics.Spec{analytics.OutboundLinks([]string{"partner.example"})}})
	if err != nil {
		fmt.Println(err)
		return
	}
	page := template.Must(template.New("").Funcs(template.FuncMap{"outbound": events.Link}).Parse(
		`<a href="{{outbound "https://partner.example/deal"}}">A partner</a>`))
	_ = page // page.Execute(w, nil)
	_, err = events.Link("//evil.example")
	fmt.Println(err)
	_ = events.Shutdown(context.Background())
	_ = manager.Close(context.Background())
	// Output: analytics: link: is not a plain http or https URL
}

// Whether an event may go somewhere is a pure function of what is known.
func ExampleGate() {
	asked := analytics.View{}
	yes := analytics.View{State: consent.Granted, Allowed: true}
	no := analytics.View{State: consent.Denied}
	for _, v := range []analytics.View{asked, yes, no} {
		fmt.Println(analytics.Gate(v, analytics.Local), "/", analytics.Gate(v, analytics.FirstParty), "/", analytics.Gate(v, analytics.ThirdParty))
	}
	// Output:
	// count / drop / drop
	// count / send / send
	// drop / drop / drop
}

// Operators look at the statistics; nothing in them is about anybody.
func ExamplePipeline_Metrics() {
	keys, _ := consent.ParseKeys(consent.GenerateKey())
	manager, err := consent.New(consent.Config{Policy: policy(), Keys: keys, Ledger: ledger.Memory()})
	if err != nil {
		fmt.Println(err)
		return
	}
	events, err := analytics.New(analytics.Config{Consent: manager})
	if err != nil {
		fmt.Println(err)
		return
	}
	operators := http.NewServeMux() // on an address of its own
	operators.Handle("GET /metrics", events.Metrics())
	w := httptest.NewRecorder()
	operators.ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
	help, _, _ := strings.Cut(w.Body.String(), "\n")
	fmt.Println(help)
	_ = events.Shutdown(context.Background())
	_ = manager.Close(context.Background())
	// Output:
	// # HELP candor_analytics_captured_total Events that at least one sink may have.
}
