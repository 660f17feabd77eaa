package ltxstore_test

import (
	"context"
	"errors"
	"io"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/ltxstore/ltxstore"
)

// able is a client with the optional abilities.
type able struct {
	fakeClient
	initErr, closeErr error
	inits, closes     int
}

func (a *able) Init(context.Context) error { a.inits++; return a.initErr }
func (a *able) Close() error               { a.closes++; return a.closeErr }

type wrapper struct{ ltxstore.ReplicaClient }

func (w wrapper) Unwrap() ltxstore.ReplicaClient { return w.ReplicaClient }

func TestAs(t *testing.T) {
	inner := &able{}
	outer := &closingWrapper{wrapper: wrapper{wrapper{inner}}}

	got, ok := ltxstore.As[*able](outer)
	assert.True(t, ok)
	assert.Same(t, inner, got)
	_, ok = ltxstore.As[ltxstore.Initializer](outer)
	assert.True(t, ok)

	closer, ok := ltxstore.As[io.Closer](outer)
	assert.True(t, ok)
	assert.Same(t, outer, closer, "the outermost is found first")

	logger, ok := ltxstore.As[ltxstore.LoggerSetter](outer)
	assert.False(t, ok)
	assert.Nil(t, logger)
	_, ok = ltxstore.As[io.Closer](nil)
	assert.False(t, ok)
	_, ok = ltxstore.As[io.Closer](wrapper{nil})
	assert.False(t, ok, "a wrapper around nothing")
}

type closingWrapper struct {
	wrapper
	closes int
}

func (c *closingWrapper) Close() error { c.closes++; return nil }

func TestInitAndClose(t *testing.T) {
	failure := errors.New("no")
	c := &able{initErr: failure, closeErr: failure}
	assert.Equal(t, failure, ltxstore.Init(t.Context(), wrapper{c}))
	assert.Equal(t, failure, ltxstore.Close(wrapper{c}))
	assert.Equal(t, [2]int{1, 1}, [2]int{c.inits, c.closes})

	assert.NoError(t, ltxstore.Init(t.Context(), &fakeClient{}))
	assert.NoError(t, ltxstore.Close(&fakeClient{}))
}
