package replicatest_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/internal/testkit/mockstore"
)

func allMutants() []mutant {
	return []mutant{
		{name: "garbles bodies that are written at once", fails: []string{"all/ten-writers", "write/reader-outlives-context*"}, chance: []string{"write/sizes", "once/one-winner"},
			damage: onWrite(sharesABuffer)},
		{name: "refuses a second Init", fails: []string{"all/init"},
			damage: func(c *client) {
				var begun atomic.Bool
				c.InitFunc = func(ctx context.Context) error {
					if begun.Swap(true) {
						return errors.New("already initialized")
					}
					return c.Default().(ltxstore.Initializer).Init(ctx)
				}
			}},
		{name: "lives as long as Init's context", fails: []string{"all/init"},
			damage: func(c *client) {
				var of atomic.Pointer[context.Context]
				c.InitFunc = func(ctx context.Context) error {
					of.CompareAndSwap(nil, &ctx)
					return c.Default().(ltxstore.Initializer).Init(ctx)
				}
				onWrite(func(_ *client, write writeFunc) writeFunc {
					return func(ctx context.Context, level int, minTXID, maxTXID ltx.TXID, r io.Reader) (*ltx.FileInfo, error) {
						if first := of.Load(); first != nil && (*first).Err() != nil {
							return nil, (*first).Err()
						}
						return write(ctx, level, minTXID, maxTXID, r)
					}
				})(c)
			}},
		{name: "calls a deadline a cancellation", fails: []string{"all/deadline"},
			damage: onList(func(_ *client, list listFunc) listFunc {
				return func(ctx context.Context, level int, seek ltx.TXID, useMetadata bool) (ltx.FileIterator, error) {
					itr, err := list(ctx, level, seek, useMetadata)
					if errors.Is(err, context.DeadlineExceeded) {
						err = context.Canceled
					}
					return itr, err
				}
			})},
		{name: "leaves a goroutine with each reader", fails: []string{"all/no-goroutine-leaks"},
			damage: onReadCloser(func(c *client, _ string, rc io.ReadCloser) io.ReadCloser {
				go func() { <-c.world.closed }()
				return rc
			})},
		{name: "leaves a goroutine with a cancelled reader", fails: []string{"all/no-goroutine-leaks"},
			damage: onOpen(func(c *client, open openFunc) openFunc {
				return func(ctx context.Context, level int, minTXID, maxTXID ltx.TXID, offset, size int64) (io.ReadCloser, error) {
					rc, err := open(ctx, level, minTXID, maxTXID, offset, size)
					if err != nil {
						return nil, err
					}
					return &readCloser{rc, rc.Read, func() error {
						if ctx.Err() != nil {
							go func() { <-c.world.closed }()
						}
						return rc.Close()
					}}, nil
				}
			})},
		{name: "leaves a goroutine with a failed write", fails: []string{"all/no-goroutine-leaks"},
			damage: onFailedReader(func(c *client, _ failedWrite) {
				go func() { <-c.world.closed }()
			})},
		{name: "logs a secret", fails: []string{"all/no-secret-leaks"},
			wrap: func(c *client) ltxstore.ReplicaClient {
				v := &talkative{client: c}
				onWrite(func(_ *client, write writeFunc) writeFunc {
					return func(ctx context.Context, level int, minTXID, maxTXID ltx.TXID, r io.Reader) (*ltx.FileInfo, error) {
						if logger := v.logger.Load(); logger != nil {
							logger.DebugContext(ctx, "put", "url", "https://host/bucket?signature="+testSecret)
						}
						return write(ctx, level, minTXID, maxTXID, r)
					}
				})(c)
				return v
			}},
		{name: "has a secret in its errors", fails: []string{"all/no-secret-leaks"},
			damage: onOpenError(func(_ *client, err error) error {
				return &secretError{err}
			})},
		{name: "has a secret in the errors of an outage", fails: []string{"all/no-secret-leaks"},
			damage: onErrors(func(err error) error {
				if errors.Is(err, mockstore.ErrBroken) {
					return &secretError{err}
				}
				return err
			})},
		{name: "has a secret in the error of a broken transfer", fails: []string{"all/no-secret-leaks"},
			wrap: func(c *client) ltxstore.ReplicaClient { return &indiscreet{c} }},
		{name: "has a secret in the error of a failed lookup", fails: []string{"all/no-secret-leaks"},
			damage: onItems(func(_ *client, itr ltx.FileIterator) ltx.FileIterator {
				return &iterator{FileIterator: itr, err: func() error {
					if err := itr.Err(); errors.Is(err, mockstore.ErrBroken) {
						return &secretError{err}
					}
					return itr.Err()
				}}
			})},
		{name: "has a secret in the error of a file that cannot be deleted", fails: []string{"all/no-secret-leaks"},
			damage: func(c *client) {
				del := c.Default().DeleteLTXFiles
				c.DeleteLTXFilesFunc = func(ctx context.Context, files []*ltx.FileInfo) error {
					err := del(ctx, files)
					if _, listErr := c.Default().LTXFiles(ctx, 0, 0, false); listErr == nil && errors.Is(err, mockstore.ErrBroken) {
						return &secretError{err}
					}
					return err
				}
			}},
		{name: "prints its secret", fails: []string{"all/no-secret-leaks"},
			wrap: func(c *client) ltxstore.ReplicaClient {
				return &struct {
					*client
					AccessKey string
				}{c, testSecret}
			}},
		{name: "panics", fails: []string{"list/seek"},
			damage: onList(func(_ *client, list listFunc) listFunc {
				return func(ctx context.Context, level int, seek ltx.TXID, useMetadata bool) (ltx.FileIterator, error) {
					if level == 2 && seek == 15 {
						panic("index out of range")
					}
					return list(ctx, level, seek, useMetadata)
				}
			})},
	}
}

// sharesABuffer writes, of bodies without a header that come at one time, the
// one that came last for all.
func sharesABuffer(_ *client, write writeFunc) writeFunc {
	var mu sync.Mutex
	var shared []byte
	var writers atomic.Int64
	return func(ctx context.Context, level int, minTXID, maxTXID ltx.TXID, r io.Reader) (*ltx.FileInfo, error) {
		writers.Add(1)
		defer writers.Add(-1)
		if !sound(ctx, level, minTXID, maxTXID) {
			return write(ctx, level, minTXID, maxTXID, r)
		}
		first, r := peek(r)
		if string(first) == ltx.Magic {
			return write(ctx, level, minTXID, maxTXID, r)
		}
		body, err := io.ReadAll(r)
		if err != nil {
			return nil, err
		}
		mu.Lock()
		shared = body
		mu.Unlock()
		for range 10 {
			if time.Sleep(100 * time.Microsecond); writers.Load() == 1 {
				break
			}
		}
		mu.Lock()
		body = bytes.Clone(shared)
		mu.Unlock()
		return write(ctx, level, minTXID, maxTXID, bytes.NewReader(body))
	}
}

type talkative struct {
	*client
	logger atomic.Pointer[slog.Logger]
}

func (v *talkative) SetLogger(logger *slog.Logger) {
	v.logger.Store(logger)
	v.client.SetLogger(logger)
}

type secretError struct{ error }

func (e *secretError) Error() string { return e.error.Error() + " (key " + testSecret + ")" }

func (e *secretError) Unwrap() error { return e.error }

// indiscreet has a secret in the errors of a body.
type indiscreet struct{ *client }

func (c *indiscreet) OpenLTXFile(ctx context.Context, level int, minTXID, maxTXID ltx.TXID, offset, size int64) (io.ReadCloser, error) {
	rc, err := c.client.OpenLTXFile(ctx, level, minTXID, maxTXID, offset, size)
	if err != nil {
		return nil, err
	}
	return &readCloser{ReadCloser: rc, read: func(p []byte) (int, error) {
		n, err := rc.Read(p)
		if errors.Is(err, io.ErrUnexpectedEOF) {
			err = &secretError{err}
		}
		return n, err
	}}, nil
}

// onErrors damages the errors of every method.
func onErrors(change func(err error) error) func(*client) {
	return func(c *client) {
		onOpenError(func(_ *client, err error) error { return change(err) })(c)
		list, write, del, delAll := c.Default().LTXFiles, c.Default().WriteLTXFile, c.Default().DeleteLTXFiles, c.Default().DeleteAll
		c.LTXFilesFunc = func(ctx context.Context, level int, seek ltx.TXID, useMetadata bool) (ltx.FileIterator, error) {
			itr, err := list(ctx, level, seek, useMetadata)
			return itr, change(err)
		}
		c.WriteLTXFileFunc = func(ctx context.Context, level int, minTXID, maxTXID ltx.TXID, r io.Reader) (*ltx.FileInfo, error) {
			info, err := write(ctx, level, minTXID, maxTXID, r)
			return info, change(err)
		}
		c.DeleteLTXFilesFunc = func(ctx context.Context, files []*ltx.FileInfo) error { return change(del(ctx, files)) }
		c.DeleteAllFunc = func(ctx context.Context) error { return change(delAll(ctx)) }
	}
}
