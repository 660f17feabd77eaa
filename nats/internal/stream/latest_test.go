package stream

import (
	"testing"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// A listing leaves neither a subscription nor a consumer, whether it finds messages or
// not.
func TestLatestLeavesNothing(t *testing.T) {
	s := open(t)
	want := map[string]bool{}
	for _, subject := range []string{"", "s.a", "s.b"} {
		if subject != "" {
			_, err := s.Replace(t.Context(), nats.NewMsg(subject), 0)
			require.NoError(t, err)
			want[subject] = true
		}
		found := map[string]bool{}
		require.NoError(t, s.Latest(t.Context(), "s.>", func(m *jetstream.RawStreamMsg) { found[m.Subject] = true }))
		assert.Equal(t, want, found)
	}
	c := s.ready.Load()
	assert.Equal(t, 1, c.nc.NumSubscriptions(), "that of all answers")
	info, err := c.js.Stream(t.Context(), "S")
	require.NoError(t, err)
	assert.Zero(t, info.CachedInfo().State.Consumers)
}
