package mirror

import (
	"context"
	"io"

	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore/internal/flow"
	"github.com/ltxstore/ltxstore/wrap/internal/layer"
)

// OpenLTXFile opens the file in the first replica that is healthy and has it. It costs one
// request for each replica that it tries. A transfer that breaks costs one more for each
// further replica that is tried, and up to a KiB is read twice, to check that it is the same
// file.
func (c *Client) OpenLTXFile(ctx context.Context, level int, minTXID, maxTXID ltx.TXID, offset, size int64) (io.ReadCloser, error) {
	f := layer.File{Level: level, MinTXID: minTXID, MaxTXID: maxTXID}
	s, err := layer.Begin(ctx, c.base, "open", f.CheckRange(offset, size))
	if err != nil {
		return nil, err
	}
	t := &transfer{c: c, s: s, f: f}
	t.left, _ = s.order()
	return layer.Resume(ctx, c.next, f, offset, size, func(ctx context.Context, offset, size int64) (io.ReadCloser, error) {
		return t.from.client.OpenLTXFile(ctx, level, minTXID, maxTXID, offset, size)
	}, t)
}

// transfer is a rangeio.Retrier: it tries one replica after another.
type transfer struct {
	c      *Client
	s      *state
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
				t.c.failed(ctx, t.s, f)
			}
		}
		t.failed = nil
		return nil
	}
	if err := flow.Err(ctx); err != nil {
		return err
	}
	return &Error{Failed: t.failed, Replicas: len(t.s.replicas)}
}

// note records the result of a call of the current replica.
func (t *transfer) note(ctx context.Context, op string, err error) {
	t.from.note(ctx, err)
	if err != nil && ctx.Err() == nil {
		t.failed = append(t.failed, t.from.failure(op, t.f, err))
	}
}
