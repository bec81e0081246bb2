package main

import (
	"testing"

	"github.com/candorhttp/candor/examples/routers/blackbox"
)

func TestSite(t *testing.T) { blackbox.Run(t, handler, ":id") }
