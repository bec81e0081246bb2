// Command keygen prints one new key for [consent.ParseKeys].
//
//	CANDOR_KEYS=$(go run github.com/candorhttp/candor/consent/keygen)
package main

import (
	"fmt"

	"github.com/candorhttp/candor/consent"
)

func main() { fmt.Println(consent.GenerateKey()) }
