package pseudonym_test

import (
	"fmt"
	"net/netip"

	"github.com/candorhttp/candor/iputil/pseudonym"
)

func ExampleKeyring_Append() {
	names, err := pseudonym.New(pseudonym.Config{})
	if err != nil {
		panic(err)
	}
	defer names.Close()
	addr := netip.MustParseAddr("198.51.100.77").AsSlice()
	logged, err := names.Append(nil, "log", addr)
	if err != nil {
		panic(err) // log the line without a pseudonym, never with the address
	}
	again, _ := names.Append(nil, "log", addr)
	counted, _ := names.Append(nil, "events", addr)
	fmt.Println(len(logged), string(logged) == string(again), string(logged) == string(counted))
	// Output: 44 true false
}
