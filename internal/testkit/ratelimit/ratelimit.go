// Package ratelimit makes a fake store refuse requests beyond a rate, as the
// services do: by prefix, by object or by account.
package ratelimit

import (
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ltxstore/ltxstore/internal/testkit/httpfault"
)

// Rule limits the requests of each group.
type Rule struct {
	// Group returns the group of a request, such as a prefix or an object.
	// Requests of the group "" are not limited.
	Group func(*http.Request) string

	// Rate is the number of requests per second. After a pause, the requests of
	// a second, and at least one, are served at once.
	Rate float64

	// Double, if not 0, is the time from the first refusal until the rate of a
	// group doubles. This is repeated while requests are refused, as in a
	// service that distributes the group over more servers.
	Double time.Duration

	// Refuse serves all other requests.
	Refuse httpfault.Effect
}

// Limiter is an http.Handler around another one. New returns one. It is safe
// for concurrent use.
type Limiter struct {
	next    http.Handler
	rules   []Rule
	refused atomic.Int64

	mu     sync.Mutex
	groups []map[string]*group // by rule
}

type group struct {
	rate, tokens float64
	filled       time.Time
	since        time.Time // of the first refusal at this rate
}

// New returns a limiter around next.
func New(next http.Handler, rules ...Rule) *Limiter {
	l := &Limiter{next: next, rules: rules}
	for range rules {
		l.groups = append(l.groups, make(map[string]*group))
	}
	return l
}

// Refused returns the number of requests that were refused.
func (l *Limiter) Refused() int64 { return l.refused.Load() }

// ServeHTTP implements http.Handler.
func (l *Limiter) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	for i, rule := range l.rules {
		if name := rule.Group(r); name != "" && !l.allows(i, name) {
			l.refused.Add(1)
			rule.Refuse(httpfault.Exchange{Next: l.next}, w, r)
			return
		}
	}
	l.next.ServeHTTP(w, r)
}

// allows reports whether the group may make a request, and counts it.
func (l *Limiter) allows(i int, name string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	rule, now := l.rules[i], time.Now()
	g := l.groups[i][name]
	if g == nil {
		g = &group{rate: rule.Rate, tokens: max(rule.Rate, 1), filled: now}
		l.groups[i][name] = g
	}
	g.tokens = min(max(g.rate, 1), g.tokens+g.rate*now.Sub(g.filled).Seconds())
	g.filled = now
	if g.tokens >= 1 {
		g.tokens--
		return true
	}
	switch {
	case g.since.IsZero():
		g.since = now
	case rule.Double > 0 && now.Sub(g.since) >= rule.Double:
		g.rate, g.since = 2*g.rate, now
	}
	return false
}
