package nats

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// A request that is not answered in time has that for its error, one that is answered
// none, and one whose context has ended its own.
func TestOver(t *testing.T) {
	s, _, _ := open(t)
	c, err := s.connected(t.Context())
	require.NoError(t, err)
	s.cfg.IdleTimeout = time.Millisecond
	failed := errors.New("failed")
	after := func(err error) func(context.Context) error {
		return func(ctx context.Context) error { <-ctx.Done(); return err }
	}
	require.NoError(t, s.over(t.Context(), c, after(nil)))
	require.ErrorIs(t, s.over(t.Context(), c, after(failed)), errStalled)
	s.cfg.IdleTimeout = time.Hour
	require.ErrorIs(t, s.over(t.Context(), c, func(context.Context) error { return failed }), failed)
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, s.over(ended, c, after(failed)), failed)
}

// messages returns what visit does, and visits as many messages as it was asked for.
func TestMessages(t *testing.T) {
	s, _, _ := open(t)
	c, err := s.connected(t.Context())
	require.NoError(t, err)
	for _, copies := range []bool{true, false} {
		name := map[bool]string{true: "D", false: "L"}[copies]
		_, err := c.js.CreateStream(t.Context(), jetstream.StreamConfig{Name: name, Subjects: []string{name}, AllowDirect: copies})
		require.NoError(t, err)
		of := alone(s.cfg, s.options)
		of.stream = name
		t.Cleanup(of.Close)
		for range 5 {
			_, err := c.js.PublishMsg(t.Context(), nats.NewMsg(name))
			require.NoError(t, err)
		}
		want := []uint64{2, 3, 4}
		if !copies {
			want = want[:1]
		}
		found, err := of.messages(t.Context(), name, 2, 3)
		require.NoError(t, err)
		var seen []uint64
		for _, m := range found {
			assert.Equal(t, name, m.Subject)
			assert.WithinDuration(t, time.Now(), m.Time, time.Minute)
			seen = append(seen, m.Sequence)
		}
		assert.Equal(t, want, seen)
		_, err = of.messages(t.Context(), name, 6, 3)
		require.True(t, isMissing(err), err)
	}
}

// A message that is not there is deleted; one that the server does not delete is not.
func TestSenderRemoves(t *testing.T) {
	s, _, _ := open(t)
	c, err := s.connected(t.Context())
	require.NoError(t, err)
	_, err = c.js.CreateStream(t.Context(), jetstream.StreamConfig{Name: "KEPT", Subjects: []string{"kept"}, DenyDelete: true})
	require.NoError(t, err)
	kept := alone(s.cfg, s.options)
	kept.stream = "KEPT"
	t.Cleanup(kept.Close)
	for of, subject := range map[*bucket]string{s: subject, kept: "kept"} {
		_, err := c.js.PublishMsg(t.Context(), nats.NewMsg(subject))
		require.NoError(t, err)
		err = (&sender{bucket: of}).remove(t.Context(), 1)
		_, there := of.last(t.Context(), subject)
		if of == kept {
			require.Error(t, err)
			require.NoError(t, there)
			continue
		}
		require.NoError(t, err)
		require.True(t, isMissing(there), there)
		require.NoError(t, (&sender{bucket: of}).remove(t.Context(), 1))
		require.NoError(t, (&sender{bucket: of}).remove(t.Context(), 7))
	}
}
