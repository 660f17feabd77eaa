package mirror

import (
	"context"
	"io"

	"github.com/ltxstore/ltxstore/internal/flow"
	"github.com/ltxstore/ltxstore/wrap/internal/layer"
)

// Open implements layer.Operations.
func (s *state) Open(ctx context.Context, f layer.File, offset, size int64) (io.ReadCloser, error) {
	t := &transfer{state: s, f: f}
	t.left, _ = s.order()
	return layer.Resume(ctx, s.next, f, offset, size, func(ctx context.Context, offset, size int64) (io.ReadCloser, error) {
		return t.from.client.OpenLTXFile(ctx, f.Level, f.MinTXID, f.MaxTXID, offset, size)
	}, t)
}

// transfer is a rangeio.Retrier: it tries one replica after another.
type transfer struct {
	*state
	f      layer.File
	from   *replica   // nil before the first
	left   []*replica // not tried yet
	failed []Failure
}

// Do implements rangeio.Retrier. Once there is a transfer, the first call of op returns why it broke.
func (t *transfer) Do(ctx context.Context, op func(context.Context) error) error {
	name := "open"
	if t.from != nil {
		name = "read"
		t.note(ctx, name, op(ctx))
	}
	for len(t.left) > 0 && ctx.Err() == nil {
		t.from, t.left = t.left[0], t.left[1:]
		err := op(ctx)
		if t.note(ctx, name, err); err != nil {
			continue
		}
		for _, f := range t.failed {
			if !layer.IsMissing(f.Err) { // a copy that was missed, not an outage
				t.state.failed(ctx, f)
			}
		}
		t.failed = nil
		return nil
	}
	if err := flow.Err(ctx); err != nil {
		return err
	}
	return &Error{Failed: t.failed, Replicas: len(t.replicas)}
}

// note records the result of a call of the current replica.
func (t *transfer) note(ctx context.Context, op string, err error) {
	t.from.note(ctx, err)
	if err != nil && ctx.Err() == nil {
		t.failed = append(t.failed, t.from.failure(op, t.f, err))
	}
}
