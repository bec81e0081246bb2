package main

import (
	"context"
	"io"
	"log/slog"
	"os"
	"sync"
	"time"

	"github.com/candorhttp/candor/logging"
	"github.com/candorhttp/candor/logging/async"
)

// logTo opens what the log lines go to: the file of that name, else standard
// output behind a queue, since whoever reads that may be slow, or read no more.
func logTo(name string, stdout io.Writer, logger *slog.Logger) (out *output, end func() error, err error) {
	if name != "" {
		f, err := os.OpenFile(name, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
		if err != nil {
			return nil, nil, err
		}
		out = &output{to: f, logger: logger}
		return out, func() error { out.end(); return f.Close() }, nil
	}
	taken := &output{to: stdout, logger: logger}
	queue, err := async.New(async.Config{Output: taken, Dropped: logging.Dropped})
	if err != nil {
		return nil, nil, err
	}
	out = &output{to: queue, logger: logger}
	return out, func() error {
		// Who takes nothing for so long is not there any more.
		ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
		defer cancel()
		if err := queue.Close(ctx); err != nil {
			logger.Error("the end of the log is lost", "error", err)
		}
		out.end()
		taken.end()
		return nil
	}, nil
}

// output says when lines are lost. The shop goes on without them.
type output struct {
	to     io.Writer
	logger *slog.Logger

	mu   sync.Mutex
	lost uint64
	told time.Time
}

func (o *output) Write(line []byte) (int, error) {
	n, err := o.to.Write(line)
	if err != nil {
		o.mu.Lock()
		defer o.mu.Unlock()
		o.lost++
		if now := time.Now(); now.Sub(o.told) > time.Minute {
			o.told = now
			o.logger.Error("log lines are lost", "lines", o.lost, "error", err)
		}
	}
	return n, err
}

// end says how many lines were lost in all.
func (o *output) end() {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.lost > 0 {
		o.logger.Error("log lines were lost", "lines", o.lost)
	}
}
