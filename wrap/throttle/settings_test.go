package throttle

import (
	"io/fs"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/internal/testkit/wraptest"
	_ "github.com/ltxstore/ltxstore/mock"
)

func TestURLAndFileAgree(t *testing.T) {
	perSecond := func(b *bucket) *float64 {
		limit := b.Load()
		if limit == nil {
			return nil
		}
		return new(float64(limit.Limit()))
	}
	bytes := func(b *bucket) *int64 {
		limit := perSecond(b)
		if limit == nil {
			return nil
		}
		return new(int64(*limit))
	}
	configOf := func(client ltxstore.ReplicaClient) Config {
		l := client.(*Client).Limiter()
		return Config{Limits: Limits{Upload: bytes(&l.upload), Download: bytes(&l.download), Requests: perSecond(&l.requests)}}
	}
	wraptest.Settings(t, wrapper, configOf, nil, map[[2]string]Config{
		{"upload", "1MB"}:      {Limits: Limits{Upload: new(int64(1e6))}},
		{"download", "512KiB"}: {Limits: Limits{Download: new(int64(512 << 10))}},
		{"requests", "0.5"}:    {Limits: Limits{Requests: new(0.5)}},
	})
}

func TestSettingsRefused(t *testing.T) {
	for query, says := range map[string]string{
		"throttle=true":           "want throttle.upload, throttle.download or throttle.requests",
		"throttle.upload=0":       "throttle.upload in the URL is \"0\": want more than 0",
		"throttle.upload=-5":      "want a size in bytes",
		"throttle.requests=0":     "want more than 0",
		"throttle.requests=0.0":   "want more than 0",
		"throttle.requests=Inf":   "want a number such as 10 or 0.5",
		"throttle.requests=1e9":   "want a number",
		"throttle.requests=-1":    "want a number",
		"throttle.request=1":      "did you mean throttle.requests?",
		"throttle.limiter=a":      `unknown setting "throttle.limiter" in the URL`,
		"throttle.download=0.2":   "want a size in bytes",
		"throttle.download=a lot": "want a size in bytes",
	} {
		_, err := ltxstore.Open(t.Context(), "mem://?"+query)
		require.ErrorIs(t, err, fs.ErrInvalid, query)
		assert.ErrorContains(t, err, says, query)
	}
}
