package logtest

import (
	"context"
	"crypto/tls"
	"io"
	"net"
	"net/url"
	"strings"
)

// transport is how a raw text gets to the server.
type transport int

const (
	overTCP   transport = iota // to the server that speaks HTTP/1.1
	toTLSPort                  // without TLS, to the server that expects it
	overTLS                    // with HTTP/1.1 negotiated
	overHTTP2                  // with HTTP/2 negotiated
)

// rawText is what goes over a connection as it stands.
type rawText struct {
	over       transport
	serverName string // of TLS
	text       string
	hangUp     bool // close our side after the text
}

// rawShape is a request that no client of net/http would send. In text {raw}
// stands for the value, {esc} for the value as in a URL, and {word} for it as a
// token; a shape with {word} goes without values that have none.
type rawShape struct {
	name       string
	over       transport
	serverName string
	text       string
	hangUp     bool
}

const rest = "\r\nHost: shop.example\r\nConnection: close\r\n\r\n"

var rawShapes = []rawShape{
	{name: "user info of an absolute target", text: "GET http://user:{esc}@shop.example/ HTTP/1.1" + rest},
	{name: "user name of an absolute target", text: "GET http://{esc}@shop.example/ HTTP/1.1" + rest},
	{name: "host of an absolute target", text: "GET http://{word}.example/ HTTP/1.1" + rest},
	{name: "path of an absolute target", text: "GET http://shop.example/{esc} HTTP/1.1" + rest},
	{name: "target of CONNECT", text: "CONNECT {word}.example:443 HTTP/1.1" + rest},
	{name: "target of HTTP/1.0", text: "GET /{esc} HTTP/1.0\r\n\r\n"},
	{name: "fragment of a target", text: "GET /#{esc} HTTP/1.1" + rest},
	{name: "target with dots and slashes", text: "GET //..//{esc}/../{esc} HTTP/1.1" + rest},
	{name: "target without escapes", text: "GET /{raw} HTTP/1.1" + rest},
	{name: "request line without a form", text: "{raw}" + rest},
	{name: "version", text: "GET / HTTP/{word}" + rest},
	{name: "field line without a colon", text: "GET / HTTP/1.1\r\n{raw}" + rest},
	{name: "field name with a space", text: "GET / HTTP/1.1\r\nX {word}: 1" + rest},
	{name: "field folded", text: "GET / HTTP/1.1\r\nX-Something: 1\r\n {raw}" + rest},
	{name: "second Host", text: "GET / HTTP/1.1\r\nHost: {word}.example" + rest},
	{name: "Host without a form", text: "GET / HTTP/1.1\r\nConnection: close\r\nHost: {raw}/@\r\n\r\n"},
	{name: "Content-Length", text: "POST / HTTP/1.1\r\nContent-Length: {raw}" + rest},
	{name: "Transfer-Encoding", text: "POST / HTTP/1.1\r\nTransfer-Encoding: {raw}" + rest},
	{name: "chunk extension", text: "POST / HTTP/1.1\r\nTransfer-Encoding: chunked" + rest + "1;{word}\r\nx\r\n0\r\n\r\n"},
	{name: "trailer", text: "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\nTrailer: X-Something" + rest + "1\r\nx\r\n0\r\nX-Something: {raw}\r\n\r\n"},
	{name: "chunk without a form", text: "POST / HTTP/1.1\r\nTransfer-Encoding: chunked" + rest + "{raw}\r\n\r\n"},
	{name: "Expect", text: "POST / HTTP/1.1\r\nExpect: {raw}" + rest},
	{name: "Upgrade", text: "GET / HTTP/1.1\r\nUpgrade: {raw}\r\nHost: shop.example\r\nConnection: upgrade, close\r\n\r\n"},
	{name: "body that breaks off", text: "POST / HTTP/1.1\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 9999" + rest + "email={esc}", hangUp: true},
	{name: "plain HTTP to the TLS port", over: toTLSPort, text: "GET /{esc} HTTP/1.1" + rest},
	{name: "TLS server name", over: overTLS, serverName: "{word}.example", text: "GET / HTTP/1.1" + rest},
	{name: "HTTP/2 preface", over: overHTTP2, text: "GET /{esc} HTTP/1.1" + rest},
}

// write puts a canary into the shape, and reports false where it takes no such
// value.
func (s rawShape) write(c *canary) (rawText, bool) {
	word := c.word()
	if word == "" && strings.Contains(s.text+s.serverName, "{word}") {
		return rawText{}, false
	}
	fill := strings.NewReplacer("{raw}", c.value, "{esc}", url.PathEscape(c.value), "{word}", word)
	// What a service sees of it, if anything: the target, the body, the name.
	_, target, _ := strings.Cut(s.text, " ")
	target, _, _ = strings.Cut(target, " ")
	_, body, _ := strings.Cut(s.text, "\r\n\r\n")
	for _, whole := range []string{target, body, s.serverName} {
		if strings.Contains(whole, "{") {
			c.wholes = append(c.wholes, fill.Replace(whole))
		}
	}
	return rawText{over: s.over, serverName: fill.Replace(s.serverName), text: fill.Replace(s.text), hangUp: s.hangUp}, true
}

// send sends the text and reads until the server closes.
func (x rawText) send(ctx context.Context, address string) result {
	dialer := net.Dialer{}
	conn, err := dialer.DialContext(ctx, "tcp", address)
	if err != nil {
		return unsent
	}
	defer conn.Close()
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	defer stop()
	speak := conn
	if x.over == overTLS || x.over == overHTTP2 {
		// The certificate is the test server's own, whatever name is asked for.
		cfg := &tls.Config{ServerName: x.serverName, InsecureSkipVerify: true, NextProtos: []string{"http/1.1"}}
		if x.over == overHTTP2 {
			cfg.NextProtos = []string{"h2"}
		}
		speak = tls.Client(conn, cfg)
	}
	if _, err := io.WriteString(speak, x.text); err != nil {
		return unsent
	}
	if half, ok := speak.(interface{ CloseWrite() error }); ok && x.hangUp {
		_ = half.CloseWrite()
	}
	_, _ = io.Copy(io.Discard, io.LimitReader(speak, maxAnswer))
	if ctx.Err() != nil {
		return stalled
	}
	return answered
}
