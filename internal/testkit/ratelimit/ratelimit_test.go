package ratelimit_test

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/ltxstore/ltxstore/internal/testkit/httpfault"
	"github.com/ltxstore/ltxstore/internal/testkit/ratelimit"
)

// answers returns how many of n requests for a path are answered now.
func answers(l *ratelimit.Limiter, path string, n int) (ok int) {
	for range n {
		w := httptest.NewRecorder()
		l.ServeHTTP(w, httptest.NewRequest(http.MethodPut, path, http.NoBody))
		if w.Code == http.StatusOK {
			ok++
		}
	}
	return ok
}

func TestLimiter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := ratelimit.New(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}), ratelimit.Rule{
			Rate: 5, Refuse: httpfault.XML(503, "SlowDown"),
			Group: func(r *http.Request) string { return r.URL.Path[1:] },
		})
		assert.Equal(t, 5, answers(l, "/a", 9))
		assert.Equal(t, 5, answers(l, "/b", 9), "a group of its own")
		assert.Equal(t, 9, answers(l, "/", 9), "not limited")
		assert.EqualValues(t, 8, l.Refused())
		time.Sleep(200 * time.Millisecond)
		assert.Equal(t, 1, answers(l, "/a", 9))
		time.Sleep(time.Hour)
		assert.Equal(t, 5, answers(l, "/a", 9), "no more than a second's worth")
	})
}

func TestRateDoubles(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := ratelimit.New(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}), ratelimit.Rule{
			Rate: 2, Double: time.Minute, Refuse: httpfault.Throttle(0), Group: func(*http.Request) string { return "all" },
		})
		second := func() int { time.Sleep(time.Second); return answers(l, "/", 20) }
		for range 60 {
			assert.Equal(t, 2, second())
		}
		second() // a minute of refusals
		assert.Equal(t, 4, second())
	})
}
