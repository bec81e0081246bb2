package unsubscribe_test

import (
	"context"
	"fmt"
	"net/http"

	"github.com/candorhttp/candor/consent"
	"github.com/candorhttp/candor/consent/ledger"
	"github.com/candorhttp/candor/consent/unsubscribe"
)

func Example() {
	keys, err := consent.ParseKeys(consent.GenerateKey())
	if err != nil {
		panic(err)
	}
	records := ledger.Memory()
	manager, err := consent.New(consent.Config{Policy: policy("en"), Keys: keys, Ledger: records})
	if err != nil {
		panic(err)
	}
	letters, err := unsubscribe.New(unsubscribe.Config{
		Manager: manager, Ledger: records, Keys: keys, List: "news", URL: "https://shop.example/unsubscribe",
		OnUnsubscribe: func(context.Context, string) error { return nil }, // take the recipient from your list
	})
	if err != nil {
		panic(err)
	}
	mux := http.NewServeMux()
	mux.Handle("/unsubscribe", letters)

	fields, err := letters.Headers("jane@mail.example")
	if err != nil {
		panic(err)
	}
	fmt.Println(fields["List-Unsubscribe-Post"])
	// Output: List-Unsubscribe=One-Click
}
