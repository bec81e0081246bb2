package routers_test

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

var update = flag.Bool("update", false, "write the tables of this file into the package comments")

// part is something that a site mounts beside the chain. What is said of it
// stands in the package comments, and each cell is a test.
type part struct {
	name   string
	advice string // for the comment of package cookies
	cells  []cell
}

// cell says what happens when the part is mounted in one place: good, or what of
// it leaks (gets out or in unjudged), lies (in the log) or breaks.
type cell struct {
	place, verdict, says string
	test                 func(*testing.T)
}

var parts = []part{
	{"the chain itself", "around the router; inside, only chi shows it everything", []cell{
		{"around the router", "good", "every answer is judged and has its line", chainAround},
		{"chi's Use", "good", "the same, and the route without RouteFrom", chainInChi},
		{"gorilla/mux's Use", "leaks", "what no route matches is not judged and has no line", chainInMux},
		{"an adapter in gin", "leaks", "gin's writer sends the header past the gate", chainInGin},
		{"echo.WrapMiddleware", "breaks", "what echo's error handler answers is lost", chainInEcho},
	}},
	{"recover", "inside; one that does not print what panicked", []cell{
		{"inside", "good", "the line has the 500 that the visitor got, and the route", recoverInside},
		{"around", "lies", "the line has no status; cookies are taken out all the same", recoverAround},
		{"gin, chi, gorilla, echo as they come", "leaks", "they print the panic's value, wherever they stand", recoverPrints},
		{"gin, gorilla", "lies", "an answer that broke off ends as if it were whole", recoverSwallows},
	}},
	{"compression", "inside, or the log counts bytes that were not sent", []cell{
		{"inside", "good", "the line has the bytes that were sent", compressInside},
		{"around", "lies", "the line has the bytes before compression; cookies are judged all the same", compressAround},
	}},
	{"CORS", "inside, on the routes that need it and not on /privacy/", []cell{
		{"inside, on your routes", "good", "preflights have lines; /privacy/ answers its TrustedOrigins itself", corsInside},
		{"around", "breaks", "preflights have no line; those of TrustedOrigins to /privacy/ fail", corsAround},
		{"around, for every origin", "leaks", "any site reads what a visitor decided", corsForEverybody},
	}},
	{"http.TimeoutHandler", "in the router, around single handlers that do not stream", []cell{
		{"in the router", "good", "the line has the 503 and the route", timeoutInRouter},
		{"inside, around the router", "lies", "the line has the 503 and no route", timeoutAroundRouter},
		{"around", "lies", `the line comes late, without a status, "superseded"`, timeoutAround},
		{"on a stream", "breaks", "it keeps everything back, wherever it stands", timeoutOnStream},
	}},
	{"sessions", "inside, their cookie declared; around, it is seen by no gate", []cell{
		{"scs inside", "good", "its cookie is judged as every other", scsInside},
		{"scs around", "leaks", "its cookie goes out and comes in past the gate", scsAround},
		{"gorilla/sessions in handlers", "good", "its cookie is judged as every other", TestGorillaSessions},
		{"gorilla/sessions around", "good", "what it saves before it calls on is judged too", TestGorillaSessionsOutside},
	}},
	{"CSRF", "inside, and not on /privacy/, whose forms have no token of theirs", []cell{
		{"nosurf inside", "good", "its cookie is judged, what it refuses has a line", csrfInside},
		{"nosurf around", "leaks", "what it refuses has no line, and sets its cookie past the gate", csrfAround},
		{"nosurf on /privacy/ too", "breaks", "nobody can refuse or withdraw; exempt it, it protects itself", csrfOnPrivacy},
		{"CrossOriginProtection around", "breaks", "TrustedOrigins are refused, unless it is told of them too", crossOriginProtection},
	}},
	{"ReverseProxy", "inside; its ModifyResponse drops Set-Cookie from a 101", []cell{
		{"inside", "good", "cookies are judged, 1xx and trailers included, and hidden from upstream", proxyInside},
		{"an upgrade", "leaks", "the cookies of a 101 go out past the gate", upgradeThroughProxy},
		{"an upgrade, with ModifyResponse", "good", "drop Set-Cookie where the status is 101", upgradeWithoutCookies},
	}},
	{"address rewriting", "nowhere; iputil.Resolver finds the visitor", []cell{
		{"gorilla ProxyHeaders", "lies", "around, anybody chooses the logged address; inside, the pages' one", addressRewritten},
	}},
	{"other access logs", "nowhere", []cell{
		{"gin, chi, gorilla as they come", "leaks", "they write paths and queries, wherever they stand", otherLogs},
	}},
}

// Every cell of the table, tried.
func TestMounting(t *testing.T) {
	for _, p := range parts {
		for _, c := range p.cells {
			t.Run(p.name+"/"+c.place+"/"+c.verdict, c.test)
		}
	}
}

// The tables in the package comments are those of this file.
// go test -run TestMountingTables -update writes them.
func TestMountingTables(t *testing.T) {
	var whole, short strings.Builder
	for _, p := range parts {
		name := p.name
		for _, c := range p.cells {
			fmt.Fprintf(&whole, "//\t%-19s  %-36s  %-6s  %s\n", name, c.place, c.verdict, c.says)
			name = ""
		}
		fmt.Fprintf(&short, "//\t%-19s  %s\n", p.name, p.advice)
	}
	for file, table := range map[string]string{"doc.go": whole.String(), "../../cookies/doc.go": short.String()} {
		source, err := os.ReadFile(file)
		require.NoError(t, err)
		before, rest, found := strings.Cut(string(source), "// # Where to mount\n")
		require.True(t, found, "%s has no section on mounting", file)
		intro, after, found := strings.Cut(rest, "//\t")
		require.True(t, found, file)
		for after != "" && (strings.HasPrefix(after, "//\t") || !strings.HasPrefix(after, "//")) {
			_, after, _ = strings.Cut(after, "\n")
		}
		want := before + "// # Where to mount\n" + intro + table + after
		if *update {
			require.NoError(t, os.WriteFile(file, []byte(want), 0o644))
			continue
		}
		require.Equal(t, want, string(source), "write it with -update")
	}
}
