package httpfault

import (
	"cmp"
	"maps"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
)

// Layer is an http.Handler around another one. New returns one. It is safe for
// concurrent use.
type Layer struct {
	inner http.Handler
	in    atomic.Int64
	out   atomic.Int64

	mu        sync.Mutex
	name      func(*http.Request) string
	rules     []*Rule
	released  chan struct{}
	counts    map[string]int
	recording bool
	log       []Entry
}

// Entry is a recorded request. Header is a copy, with the Host in it.
type Entry struct {
	Operation, Method, Path, Query string
	Header                         http.Header
}

// New returns a layer around inner without rules. Requests are counted by their
// method unless Name sets their operation.
func New(inner http.Handler) *Layer {
	return &Layer{
		inner:    inner,
		name:     func(r *http.Request) string { return r.Method },
		released: make(chan struct{}),
		counts:   make(map[string]int),
	}
}

// Name sets the function that returns a request's operation for counts, matches
// and the log.
func (l *Layer) Name(operation func(*http.Request) string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.name = operation
}

// Add adds rules after the existing ones. The caller must not use them
// afterwards. All rules that match a request affect it, the first one
// outermost.
func (l *Layer) Add(rules ...*Rule) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.rules = append(l.rules, rules...)
}

// Clear removes all rules and ends all stalls.
func (l *Layer) Clear() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.rules = nil
	close(l.released)
	l.released = make(chan struct{})
}

// Unused returns how often rules with a given number of times have not been
// applied. A test whose script was not used completely proves nothing.
func (l *Layer) Unused() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	left := 0
	for _, rule := range l.rules {
		if rule.Times >= 0 {
			left += max(0, rule.Skip+cmp.Or(rule.Times, 1)-rule.seen) - max(0, rule.Skip-rule.seen)
		}
	}
	return left
}

// Requests returns the number of requests.
func (l *Layer) Requests() int64 {
	n := 0
	for _, count := range l.Counts() {
		n += count
	}
	return int64(n)
}

// Counts returns the number of requests of each operation.
func (l *Layer) Counts() map[string]int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return maps.Clone(l.counts)
}

// Bytes returns the number of bytes of bodies received and sent.
func (l *Layer) Bytes() (in, out int64) { return l.in.Load(), l.out.Load() }

// Reset clears the counts and the log, but not the rules.
func (l *Layer) Reset() {
	l.mu.Lock()
	defer l.mu.Unlock()
	clear(l.counts)
	l.log = nil
	l.in.Store(0)
	l.out.Store(0)
}

// Record starts recording all requests.
func (l *Layer) Record() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.recording = true
}

// Log returns the requests since Record, in the order in which they came.
func (l *Layer) Log() []Entry {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.log)
}

// ServeHTTP implements http.Handler.
func (l *Layer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	fired, released := l.begin(r)
	if r.Body != nil && r.Body != http.NoBody {
		r.Body = &countedBody{r.Body, &l.in}
	}
	var h http.Handler = l.inner
	for _, do := range slices.Backward(fired) {
		next := h
		h = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			do(Exchange{Next: next, Released: released}, w, r)
		})
	}
	h.ServeHTTP(&countedWriter{w, &l.out}, r)
}

// begin counts and records the request, and returns the effects that apply.
func (l *Layer) begin(r *http.Request) (fired []Effect, released <-chan struct{}) {
	l.mu.Lock()
	defer l.mu.Unlock()
	operation := l.name(r)
	l.counts[operation]++
	if l.recording {
		header := r.Header.Clone()
		header.Set("Host", r.Host)
		l.log = append(l.log, Entry{operation, r.Method, r.URL.EscapedPath(), r.URL.RawQuery, header})
	}
	for _, rule := range l.rules {
		if rule.fires(operation, r) {
			fired = append(fired, rule.Do)
		}
	}
	return fired, l.released
}
