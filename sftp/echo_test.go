package sftp

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ltxstore/ltxstore"
)

// Errors say which server they are of, and not what it repeats of a password.
func TestErrorsNameTheServer(t *testing.T) {
	s := start(t)
	where := "(u@" + s.listener.Addr().String() + ")"
	c := s.rooted(same)
	defer c.Close()
	s.script().before = func(string) error { return errors.New("you said " + password) }
	err := write(t, c, "x")
	require.ErrorContains(t, err, "you said [redacted]")
	assert.ErrorContains(t, err, where)
	assert.ErrorContains(t, write(t, s.client(func(cfg *Config) { cfg.Password = "wrong-password" }), "x"), where)
	s.down.Store(true)
	err = write(t, s.client(same), "x")
	require.ErrorIs(t, err, ltxstore.ErrUnavailable)
	assert.ErrorContains(t, err, where)
}
