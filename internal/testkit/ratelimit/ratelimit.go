// Package ratelimit makes a double of a store refuse what is beyond a rate, as the
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
	// Group names what the rate is of: a prefix, an object. A request of the
	// group "" is not limited.
	Group func(*http.Request) string

	// Rate is how many requests a second are answered. After a pause a second's
	// worth, at least one, is answered at once.
	Rate float64

	// Double, if not 0, is how long after its first refusal a group's rate
	// doubles, and so on as long as it refuses: what a service does by
	// distributing the group over more servers.
	Double time.Duration

	// Refuse answers the others.
	Refuse httpfault.Effect
}

// Limiter is an http.Handler around another. It is made by New and safe for
// concurrent use.
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

// Refused returns how many requests were refused.
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

// allows reports whether the group has a request left, and takes it.
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
