package retry

import (
	"context"

	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore/wrap/internal/layer"
)

// LTXFiles calls the next client. A listing that fails is resumed after its last file.
func (c *Client) LTXFiles(ctx context.Context, level int, seek ltx.TXID, useMetadata bool) (ltx.FileIterator, error) {
	it := &iterator{c: c, level: level, seek: seek, useMetadata: useMetadata}
	it.ctx, it.cancel = context.WithCancel(ctx)
	err := c.do(ctx, "list", "", func(context.Context) (err error) {
		it.files, err = c.next.LTXFiles(it.ctx, level, seek, useMetadata)
		return err
	})
	if err != nil {
		it.cancel()
		return nil, err
	}
	return it, nil
}

type iterator struct {
	c           *Client
	ctx         context.Context
	cancel      context.CancelFunc
	level       int
	seek        ltx.TXID
	useMetadata bool

	files ltx.FileIterator
	item  *ltx.FileInfo // the current file
	last  ltx.FileInfo  // the last one listed, if begun
	begun bool
	err   error
	ended bool
}

// Next implements ltx.FileIterator.
func (it *iterator) Next() bool {
	it.item = nil
	if it.ended {
		return false
	}
	if err := it.step(); err != nil {
		it.err = layer.Wrap(it.c.next, "list", "", it.resume(err))
	}
	if it.item == nil {
		_ = it.Close()
		return false
	}
	it.last, it.begun = *it.item, true
	return true
}

// step moves to the next file that was not listed before.
func (it *iterator) step() error {
	for it.files.Next() {
		if item := it.files.Item(); !it.begun || layer.Compare(&it.last, item) < 0 {
			it.item = item
			return nil
		}
	}
	return it.files.Err()
}

// resume continues after a failure, which counts as the first attempt.
func (it *iterator) resume(failure error) error {
	return it.c.policy.Do(it.ctx, func(context.Context) (err error) {
		if failure != nil {
			err, failure = failure, nil
			return err
		}
		_ = it.files.Close() // it has failed already
		if it.begun {
			it.seek = it.last.MinTXID
		}
		files, err := it.c.next.LTXFiles(it.ctx, it.level, it.seek, it.useMetadata)
		if err != nil {
			return err
		}
		it.files = files
		return it.step()
	})
}

// Item implements ltx.FileIterator.
func (it *iterator) Item() *ltx.FileInfo { return it.item }

// Err implements ltx.FileIterator.
func (it *iterator) Err() error { return it.err }

// Close implements ltx.FileIterator.
func (it *iterator) Close() error {
	it.item = nil
	if err := it.stop(); it.err == nil {
		it.err = layer.Wrap(it.c.next, "list", "", err)
	}
	return it.err
}

// stop closes the listing, once.
func (it *iterator) stop() error {
	if it.ended {
		return nil
	}
	it.ended = true
	err := it.files.Close()
	it.cancel()
	return err
}
