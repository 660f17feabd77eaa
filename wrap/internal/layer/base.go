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

// Base is what every wrapper of one client embeds: the optional interfaces, each of
// which acts on the next client, and S, which the configuration becomes when it is
// first needed. It has none of the methods that read, list or change files, so that a
// wrapper cannot let one past by forgetting it.
type Base[S any] struct {
	next  ltxstore.ReplicaClient
	name  string
	open  func(ctx context.Context, next ltxstore.ReplicaClient) (*S, error) // holds the Config: fmt does not print what functions hold
	ready flow.Lazy[S]
}

// NewBase returns the base of a wrapper around next. Name marks the location of a
// replica that is readable only through the wrapper; it is empty if others read it too.
// Open checks the configuration; it may be nil.
func NewBase[S any](next ltxstore.ReplicaClient, name string, open func(ctx context.Context, next ltxstore.ReplicaClient) (*S, error)) *Base[S] {
	if open == nil {
		open = func(context.Context, ltxstore.ReplicaClient) (*S, error) { return new(S), nil }
	}
	return &Base[S]{next: Next(next), name: name, open: open}
}

// Unwrap returns the next client.
func (b *Base[S]) Unwrap() ltxstore.ReplicaClient { return b.next }

// Type returns the next client's.
func (b *Base[S]) Type() string { return b.next.Type() }

// Location returns the next client's, marked with the wrapper's name if only the
// wrapper can read what is there.
func (b *Base[S]) Location(ctx context.Context) (string, error) {
	return Location(ctx, b.name, b.next)
}

// Init checks the configuration and initializes the next client. A bad field is
// fs.ErrInvalid.
func (b *Base[S]) Init(ctx context.Context) error {
	if _, err := Begin(ctx, b, "init", nil); err != nil {
		return err
	}
	return ltxstore.Init(ctx, b.next)
}

// SetLogger directs the next client's log.
func (b *Base[S]) SetLogger(logger *slog.Logger) { SetLogger(b.next, logger) }

// Close closes the next client.
func (b *Base[S]) Close() error { return ltxstore.Close(b.next) }

// Begin is how the methods of a wrapper begin. It returns what the configuration has
// become, or an error that the method returns as it is: wrong, which is about the
// arguments of op, a bad configuration, or that of a context already done.
func Begin[S any](ctx context.Context, b *Base[S], op string, wrong error) (*S, error) {
	if wrong != nil {
		return nil, Wrap(b.next, op, "", wrong)
	}
	s, err := b.ready.Get(ctx, func(ctx context.Context) (*S, error) { return b.open(ctx, b.next) })
	return s, Wrap(b.next, "init", "", err)
}

// Ready returns what Begin does once it has succeeded, and nil before.
func Ready[S any](b *Base[S]) *S { return b.ready.Load() }
