package stream

import (
	"testing"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// A message that has come from the leader is not visited again when it comes from the
// consumer, nor is one that the leader does not have.
func TestListingAdd(t *testing.T) {
	var seen []uint64
	l := &listing{visit: func(m *jetstream.RawStreamMsg) { seen = append(seen, m.Sequence) }, visited: map[string]bool{},
		subjects: map[string]uint64{"a": 1}}
	for _, m := range []*jetstream.RawStreamMsg{{Sequence: 3, Subject: "a"}, {Sequence: 3, Subject: "a"}, {Sequence: 2, Subject: "a"}, {Sequence: 4, Subject: "b"}} {
		l.add(m)
	}
	assert.Equal(t, []uint64{3}, seen)
	assert.Equal(t, map[string]bool{"a": true}, l.visited)
	assert.EqualValues(t, 4, l.seen)
}

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
		all := func(string) bool { return true }
		require.NoError(t, s.Latest(t.Context(), "s.>", all, func(m *jetstream.RawStreamMsg) { found[m.Subject] = true }))
		assert.Equal(t, want, found)
	}
	c := s.ready.Load()
	assert.Equal(t, 1, c.nc.NumSubscriptions(), "that of all answers")
	info, err := c.js.Stream(t.Context(), "S")
	require.NoError(t, err)
	assert.Zero(t, info.CachedInfo().State.Consumers)
}
