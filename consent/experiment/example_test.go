package experiment_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"

	"github.com/candorhttp/candor/consent"
	"github.com/candorhttp/candor/consent/consenttest"
	"github.com/candorhttp/candor/consent/experiment"
)

// A handler asks which arm to render. Visitors who said nothing see the shop as
// it always was.
func ExampleExperiment_Show() {
	keys, _ := consent.ParseKeys(consent.GenerateKey())
	trial, err := experiment.New(experiment.Config{
		Name: "pictures", Arms: []experiment.Arm{{Name: "small", Weight: 9}, {Name: "large"}},
		Keys: keys, Cookie: &memory{}, // in a site: cookies.NewSealed[string](gate, keys, "exp_pictures")
		Exposed: func(_ context.Context, e experiment.Exposure) { fmt.Println("shown:", e.Experiment, e.Arm) },
	})
	if err != nil {
		panic(err)
	}
	home := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, "pictures: "+trial.Show(w, r))
	})
	w := httptest.NewRecorder()
	home.ServeHTTP(w, httptest.NewRequest("GET", "/", nil))
	fmt.Println(w.Body)

	ctx := consenttest.With(context.Background(), consenttest.Denied(consent.Experiments))
	w = httptest.NewRecorder()
	home.ServeHTTP(w, httptest.NewRequestWithContext(ctx, "GET", "/", nil))
	fmt.Println(w.Body)
	// Output:
	// pictures: small
	// pictures: small
}

// The test of a split: 4 in 100 even splits of a hundred visitors are as uneven
// as 60 to 40, none of a thousand as 600 to 400.
func ExampleSampleRatio() {
	fmt.Printf("%.3f\n", experiment.SampleRatio([]uint64{60, 40}, []int{1, 1}))
	fmt.Printf("%.1g\n", experiment.SampleRatio([]uint64{600, 400}, []int{1, 1}))
	// Output:
	// 0.046
	// 3e-10
}
