package sinktest

import (
	"fmt"
	"net"
	"net/http"
	"strings"
	"time"
)

// Fault is a way to fail. The zero Fault is none.
type Fault int

// The ways to fail. Of those that leave open what became of the events, the stub
// takes them, as a service may have done.
const (
	None         Fault = iota
	Slow               // takes, and answers after 100 ms
	Hang               // takes, and never answers
	BadRequest         // 400, in words
	Unauthorized       // 401
	Forbidden          // 403
	TooLarge           // 413
	TooMany            // 429, Retry-After in seconds
	Unavailable        // 503, Retry-After as a date
	ServerError        // takes, and answers 500
	BadGateway         // takes, and a proxy answers 502 in HTML
	Reset              // takes, and resets the connection
	CutAnswer          // takes, and closes within the answer
	LongAnswer         // takes, and its answer does not end
	LongHeader         // takes, and answers with a header of a megabyte
	Nonsense           // takes, and answers a success that is not the service's
	Redirect           // 307 to another host
	Loop               // 302 to itself
	Refuse             // takes all but the first event, and says so
	faults
)

var faultNames = [faults]string{
	"none", "slow", "hang", "bad request", "unauthorized", "forbidden", "too large", "too many", "unavailable", "server error",
	"bad gateway", "reset", "cut answer", "long answer", "long header", "nonsense", "redirect", "loop", "refuse",
}

// String names the fault.
func (f Fault) String() string {
	if f < 0 || f >= faults {
		return fmt.Sprintf("fault %d", int(f))
	}
	return faultNames[f]
}

// Faults returns every way to fail there is.
func Faults() []Fault {
	out := make([]Fault, 0, faults-1)
	for f := None + 1; f < faults; f++ {
		out = append(out, f)
	}
	return out
}

// answerCanary stands in every answer that is not the service's own, so that an
// error which repeats an answer is found.
const answerCanary = "canary-of-an-answer"

const (
	retryAfter = 7 * time.Second
	// endless is more than anybody should read.
	endless = 256 << 20
)

// takes reports whether a request that meets the fault is taken in full.
func (f Fault) takes() bool {
	switch f {
	case None, Slow, Hang, ServerError, BadGateway, Reset, CutAnswer, LongAnswer, LongHeader, Nonsense:
		return true
	}
	return false
}

// fail answers a request with the fault; false where the protocol answers.
func (s *Stub) fail(w http.ResponseWriter, r *http.Request, f Fault) bool {
	say := func(status int, kind string) {
		w.Header().Set("Content-Type", kind)
		w.WriteHeader(status)
		_, _ = fmt.Fprintf(w, "<html><body>%s %d</body></html>\n", answerCanary, status)
	}
	switch f {
	case None, Refuse:
		return false
	case Slow:
		select {
		case <-time.After(100 * time.Millisecond):
		case <-s.closed:
		}
		return false
	case Hang:
		select {
		case <-r.Context().Done():
		case <-s.closed:
		}
	case BadRequest:
		say(http.StatusBadRequest, "text/plain")
	case Unauthorized:
		w.Header().Set("WWW-Authenticate", `Bearer realm="`+answerCanary+`"`)
		say(http.StatusUnauthorized, "application/json")
	case Forbidden:
		say(http.StatusForbidden, "application/json")
	case TooLarge:
		say(http.StatusRequestEntityTooLarge, "text/html")
	case TooMany:
		w.Header().Set("Retry-After", fmt.Sprint(int(retryAfter.Seconds())))
		say(http.StatusTooManyRequests, "text/plain")
	case Unavailable:
		w.Header().Set("Retry-After", time.Now().Add(retryAfter+time.Second).UTC().Format(http.TimeFormat))
		say(http.StatusServiceUnavailable, "text/html")
	case ServerError:
		say(http.StatusInternalServerError, "application/json")
	case BadGateway:
		say(http.StatusBadGateway, "text/html")
	case Nonsense:
		say(http.StatusOK, "text/html")
	case Redirect:
		w.Header().Set("Location", s.elsewhere.URL+r.URL.Path)
		say(http.StatusTemporaryRedirect, "text/html")
	case Loop:
		w.Header().Set("Location", r.URL.Path)
		say(http.StatusFound, "text/html")
	case LongHeader:
		w.Header().Set("X-Padding", strings.Repeat(answerCanary, 1<<20/len(answerCanary)))
		w.WriteHeader(http.StatusOK)
	case LongAnswer:
		s.pour(w)
	case Reset, CutAnswer:
		s.breakOff(w, f == CutAnswer)
	}
	return true
}

// pour writes until nobody reads any more.
func (s *Stub) pour(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusOK)
	block := []byte(strings.Repeat(`{"status":`, 6554))
	for n := 0; n < endless; n += len(block) {
		if _, err := w.Write(block); err != nil {
			return
		}
		s.poured.Add(int64(len(block)))
	}
}

// breakOff ends the connection, within an answer or without one.
func (s *Stub) breakOff(w http.ResponseWriter, answer bool) {
	conn, buffered, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(http.ErrAbortHandler) // HTTP/2 resets the stream
	}
	defer conn.Close()
	if answer {
		_, _ = buffered.WriteString("HTTP/1.1 202 Accepted\r\nContent-Type: application/json\r\nContent-Length: 900\r\n\r\n{\"status\":\"succ")
		_ = buffered.Flush()
		return
	}
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
}
