package layer

import (
	"context"
	"io"
	"log/slog"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/backend"
	"github.com/ltxstore/ltxstore/internal/flow"
)

var (
	_ ltxstore.Initializer  = (*Base[int])(nil)
	_ ltxstore.LoggerSetter = (*Base[int])(nil)
	_ backend.Locator       = (*Base[int])(nil)
	_ backend.Unwrapper     = (*Base[int])(nil)
	_ io.Closer             = (*Base[int])(nil)
)

// Base is embedded by every wrapper. It implements the optional interfaces, which act on the
// next client, and holds S, the state that the configuration becomes when it is first
// needed. It lacks the methods that read, list and change files, so that the compiler finds a
// wrapper that has forgotten one.
type Base[S any] struct {
	next  ltxstore.ReplicaClient
	name  string
	open  func(ctx context.Context, next ltxstore.ReplicaClient) (*S, error) // a closure over the Config, which fmt does not print
	ready flow.Lazy[S]
}

// NewBase returns the base of a wrapper around next. name marks the location of a replica
// that is readable only through the wrapper; it is empty for other wrappers. open
// checks the configuration and returns the state; it may be nil.
func NewBase[S any](next ltxstore.ReplicaClient, name string, open func(ctx context.Context, next ltxstore.ReplicaClient) (*S, error)) *Base[S] {
	if open == nil {
		open = func(context.Context, ltxstore.ReplicaClient) (*S, error) { return new(S), nil }
	}
	return &Base[S]{next: Next(next), name: name, open: open}
}

// Unwrap returns the next client.
func (b *Base[S]) Unwrap() ltxstore.ReplicaClient { return b.next }

// Type returns the next client's Type.
func (b *Base[S]) Type() string { return b.next.Type() }

// Location returns the next client's location, marked with the wrapper's name if it has one.
func (b *Base[S]) Location(ctx context.Context) (string, error) {
	return Location(ctx, b.name, b.next)
}

// Init checks the configuration and initializes the next client. It fails with
// fs.ErrInvalid if a field is invalid.
func (b *Base[S]) Init(ctx context.Context) error {
	if _, err := Begin(ctx, b, "init", nil); err != nil {
		return err
	}
	return ltxstore.Init(ctx, b.next)
}

// SetLogger sets the next client's logger.
func (b *Base[S]) SetLogger(logger *slog.Logger) { SetLogger(b.next, logger) }

// Close closes the next client.
func (b *Base[S]) Close() error { return ltxstore.Close(b.next) }

// Begin is called first by the methods of a wrapper. It returns the state, or an error that
// the method returns as it is: wrong, which is about the arguments of op, that of an invalid
// configuration, or that of ctx.
func Begin[S any](ctx context.Context, b *Base[S], op string, wrong error) (*S, error) {
	if wrong != nil {
		return nil, Wrap(b.next, op, "", wrong)
	}
	s, err := b.ready.Get(ctx, func(ctx context.Context) (*S, error) { return b.open(ctx, b.next) })
	return s, Wrap(b.next, "init", "", err)
}

// Ready returns the state once Begin has succeeded, and nil before.
func Ready[S any](b *Base[S]) *S { return b.ready.Load() }
