package replicatest

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"runtime/pprof"
	"strconv"
	"strings"
	"time"
)

// idleConnections are goroutines that outlive calls by design: the pooled
// connections of net/http.
var idleConnections = [...]string{
	"net/http.(*persistConn).",
	"net/http.(*http2ClientConn).",
	"net/http.(*http2clientConnReadLoop).",
	"net/http/internal/http2.",
}

const watchLabel = "replicatest"

// leaks runs f and checks that every goroutine that f started, directly or
// indirectly, ends soon after it. Goroutines are identified by a profiler label,
// which they inherit, because other tests and the servers of a store start
// goroutines at the same time.
func (e *env) leaks(ctx context.Context, what string, f func(ctx context.Context) error) error {
	id := strconv.FormatUint(rand.Uint64(), 36)
	var err error
	pprof.Do(ctx, pprof.Labels(watchLabel, id), func(ctx context.Context) { err = f(ctx) })
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	deadline := time.Now().Add(e.Prompt)
	for wait := time.Millisecond; ; wait *= 2 {
		stack := e.labelled(id)
		if stack == "" {
			return nil
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("%s: a goroutine outlived it by %v:\n%s", what, e.Prompt, stack)
		}
		<-time.After(min(wait, time.Until(deadline)))
	}
}

// labelled returns the stack of a goroutine with that label which is not ignored, or
// the empty string.
func (e *env) labelled(id string) string {
	var profile bytes.Buffer
	if err := pprof.Lookup("goroutine").WriteTo(&profile, 1); err != nil {
		return err.Error()
	}
	label := strconv.Quote(watchLabel) + ":" + strconv.Quote(id)
next:
	for record := range strings.SplitSeq(profile.String(), "\n\n") {
		if !strings.Contains(record, label) {
			continue
		}
		for _, known := range idleConnections {
			if strings.Contains(record, known) {
				continue next
			}
		}
		if e.IgnoreGoroutine == nil || !e.IgnoreGoroutine(record) {
			return record
		}
	}
	return ""
}
