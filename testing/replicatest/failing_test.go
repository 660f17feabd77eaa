package replicatest_test

import (
	"context"
	"fmt"
	"io"
	"slices"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/backend"
	"github.com/ltxstore/ltxstore/internal/testkit/race"
	"github.com/ltxstore/ltxstore/testing/replicatest"
)

// outage fails one call, or what it returns: the nth of one method, of all clients
// of a store, or of what a store offers beside them.
type outage struct {
	method string
	left   atomic.Int64
}

func (o *outage) of(method string) error {
	if o.method == method && o.left.Add(-1) == 0 {
		return fmt.Errorf("%s: out of order: %w", method, ltxstore.ErrUnavailable)
	}
	return nil
}

func (o *outage) damage(c *client) ltxstore.ReplicaClient {
	onList(func(_ *client, list listFunc) listFunc {
		return func(ctx context.Context, level int, seek ltx.TXID, useMetadata bool) (ltx.FileIterator, error) {
			if err := o.of("list"); err != nil {
				return nil, err
			}
			if useMetadata {
				if err := o.of("list with metadata"); err != nil {
					return nil, err
				}
			}
			itr, err := list(ctx, level, seek, useMetadata)
			if err != nil {
				return nil, err
			}
			return &brokenIterator{FileIterator: itr, o: o}, nil
		}
	})(c)
	onOpen(func(_ *client, open openFunc) openFunc {
		return func(ctx context.Context, level int, minTXID, maxTXID ltx.TXID, offset, size int64) (io.ReadCloser, error) {
			if err := o.of("open"); err != nil {
				return nil, err
			}
			rc, err := open(ctx, level, minTXID, maxTXID, offset, size)
			if err != nil {
				return nil, err
			}
			return &brokenBody{rc, o}, nil
		}
	})(c)
	write, remove, removeAll := c.Default().WriteLTXFile, c.Default().DeleteLTXFiles, c.Default().DeleteAll
	c.WriteLTXFileFunc = func(ctx context.Context, level int, minTXID, maxTXID ltx.TXID, r io.Reader) (*ltx.FileInfo, error) {
		if err := o.of("write"); err != nil {
			return nil, err
		}
		info, err := write(ctx, level, minTXID, maxTXID, r)
		if err == nil && o.of("wrong size") != nil {
			info.Size++
		}
		return info, err
	}
	c.DeleteLTXFilesFunc = func(ctx context.Context, files []*ltx.FileInfo) error {
		if err := o.of("delete"); err != nil {
			return err
		}
		return remove(ctx, files)
	}
	c.DeleteAllFunc = func(ctx context.Context) error {
		if err := o.of("delete all"); err != nil {
			return err
		}
		return removeAll(ctx)
	}
	return &brokenClient{c, o}
}

// brokenClient fails the methods that not every client has.
type brokenClient struct {
	*client
	o *outage
}

func (b *brokenClient) LTXLevels(ctx context.Context) ([]int, error) {
	if err := b.o.of("levels"); err != nil {
		return nil, err
	}
	return b.client.LTXLevels(ctx)
}

func (b *brokenClient) ListRaw(ctx context.Context, dir string, visit func(backend.RawFile) error) error {
	if err := b.o.of("list raw"); err != nil {
		return err
	}
	return b.client.ListRaw(ctx, dir, visit)
}

func (b *brokenClient) OpenRaw(ctx context.Context, name string, offset, size int64) (io.ReadCloser, error) {
	if err := b.o.of("open raw"); err != nil {
		return nil, err
	}
	rc, err := b.client.OpenRaw(ctx, name, offset, size)
	if err != nil {
		return nil, err
	}
	return &brokenBody{rc, b.o}, nil
}

// store returns a Config.New whose store fails, too.
func (o *outage) store(make func(context.Context) (replicatest.Store, error)) func(context.Context) (replicatest.Store, error) {
	return func(ctx context.Context) (replicatest.Store, error) {
		s, err := make(ctx)
		if err != nil {
			return s, err
		}
		for _, open := range []*func() (ltxstore.ReplicaClient, error){&s.Another, &s.Once, &s.Parent, &s.Missing} {
			correct := *open
			*open = func() (ltxstore.ReplicaClient, error) {
				if err := o.of("another client"); err != nil {
					return nil, err
				}
				return correct()
			}
		}
		sibling, raw := s.Sibling, *s.Raw
		s.Sibling = func(suffix string) (ltxstore.ReplicaClient, error) {
			if err := o.of("another client"); err != nil {
				return nil, err
			}
			return sibling(suffix)
		}
		s.Raw = &raw
		put, keys, strip, leave := raw.Put, raw.List, raw.Strip, raw.Leave
		raw.Put = func(ctx context.Context, key string, body []byte) error {
			if err := o.of("put"); err != nil {
				return err
			}
			return put(ctx, key, body)
		}
		raw.List = func(ctx context.Context) ([]string, error) {
			if err := o.of("keys"); err != nil {
				return nil, err
			}
			return keys(ctx)
		}
		raw.Strip = func(ctx context.Context, key string) error {
			if err := o.of("strip"); err != nil {
				return err
			}
			return strip(ctx, key)
		}
		raw.Leave = func(ctx context.Context) error {
			if err := o.of("leave"); err != nil {
				return err
			}
			return leave(ctx)
		}
		return s, nil
	}
}

type brokenIterator struct {
	ltx.FileIterator
	o   *outage
	err error
}

func (i *brokenIterator) Next() bool {
	if i.err == nil {
		i.err = i.o.of("next")
	}
	return i.err == nil && i.FileIterator.Next()
}

func (i *brokenIterator) Item() *ltx.FileInfo {
	info := i.FileIterator.Item()
	if i.o.of("wrong item") != nil {
		info.MaxTXID--
	}
	return info
}

func (i *brokenIterator) Err() error {
	if i.err != nil {
		return i.err
	}
	return i.FileIterator.Err()
}

func (i *brokenIterator) Close() error {
	if err := i.FileIterator.Close(); err != nil || i.err != nil {
		return err
	}
	return i.o.of("close listing")
}

type brokenBody struct {
	io.ReadCloser
	o *outage
}

func (b *brokenBody) Read(p []byte) (int, error) {
	if err := b.o.of("read"); err != nil {
		return 0, err
	}
	n, err := b.ReadCloser.Read(p)
	if n > 0 && b.o.of("wrong byte") != nil {
		p[n-1]++
	}
	return n, err
}

func (b *brokenBody) Close() error {
	if err := b.ReadCloser.Close(); err != nil {
		return err
	}
	return b.o.of("close body")
}

// expecting are the methods of which a case expects that they may fail, or of which
// it uses no result: it only cleans up, say.
var expecting = map[string][]string{
	"all/context-done":             {"wrong item"},
	"all/mixed-operations":         {"wrong item"},
	"all/no-goroutine-leaks":       {"next", "read", "wrong size", "wrong item", "wrong byte"},
	"all/no-secret-leaks":          {"list", "next", "close listing", "open", "read", "close body", "write", "delete", "delete all", "wrong size", "wrong item", "wrong byte"},
	"all/several-clients":          {"wrong item"},
	"delete-all/list-fails":        {"delete all"},
	"delete/some":                  {"wrong item"},
	"list/fails-later":             {"list"},
	"list/items-are-values":        {"wrong item"},
	"list/pages-closed":            {"next"},
	"open/broken-transfer":         {"close body"},
	"open/cancelled":               {"close body", "wrong byte"},
	"open/cancelled-while-blocked": {"close body", "wrong byte"},
	"open/close-at-any-time":       {"read", "wrong byte"},
	"open/deleted-meanwhile":       {"read", "close body"},
	"open/no-progress":             {"open", "read", "close body", "wrong byte"},
	"open/one-version":             {"read", "close body"},
	"rewrite/upload-removed":       {"delete all", "wrong size"},
	"time/failed-lookup":           {"list", "next"},
	"write/no-leftovers":           {"write"},
	"write/store-fails":            {"list", "open", "write", "delete", "delete all"},
}

// A case of which a request failed does not hold, unless it expects that.
func TestFailuresAreNoticed(t *testing.T) {
	var files replicatest.Library
	t.Run("each", func(t *testing.T) {
		for _, c := range replicatest.Cases() {
			t.Run(c.ID, func(t *testing.T) {
				t.Parallel()
				runs := race.OneOf(4)
				for _, method := range []string{"list", "next", "close listing", "open", "read", "close body", "write", "delete", "delete all",
					"levels", "list raw", "open raw", "another client", "put", "keys", "strip", "leave", "wrong size", "wrong item", "wrong byte"} {
					if !runs() || slices.Contains(expecting[c.ID], method) {
						continue
					}
					for n := int64(1); ; n += 1 + n/4 {
						o := &outage{method: method}
						o.left.Store(n)
						cfg := replicatest.Share(newConfig(o.damage), &files)
						cfg.New, cfg.Select = o.store(cfg.New), only(c.ID)
						report, err := replicatest.Check(t.Context(), cfg)
						require.NoError(t, err)
						if o.left.Load() > 0 {
							break
						}
						assert.NotEmpty(t, report.Failed(), "%s %d", method, n)
					}
				}
			})
		}
	})
}

// opened counts what a case has opened and not closed.
type opened struct{ readers, listings atomic.Int64 }

// closeOnce takes one off a count.
func closeOnce(count *atomic.Int64) func() {
	return sync.OnceFunc(func() { count.Add(-1) })
}

type countedBody struct {
	io.ReadCloser
	closed func()
}

func (b countedBody) Close() error {
	b.closed()
	return b.ReadCloser.Close()
}

type countedIterator struct {
	ltx.FileIterator
	closed func()
}

func (i countedIterator) Close() error {
	i.closed()
	return i.FileIterator.Close()
}

func (o *opened) count(c *client) ltxstore.ReplicaClient {
	onItems(func(_ *client, itr ltx.FileIterator) ltx.FileIterator {
		o.listings.Add(1)
		return countedIterator{itr, closeOnce(&o.listings)}
	})(c)
	body := func(rc io.ReadCloser, err error) (io.ReadCloser, error) {
		if err != nil {
			return nil, err
		}
		o.readers.Add(1)
		return countedBody{rc, closeOnce(&o.readers)}, nil
	}
	onOpen(func(_ *client, open openFunc) openFunc {
		return func(ctx context.Context, level int, minTXID, maxTXID ltx.TXID, offset, size int64) (io.ReadCloser, error) {
			return body(open(ctx, level, minTXID, maxTXID, offset, size))
		}
	})(c)
	return &rawReader{client: c, list: c.ListRaw, open: func(ctx context.Context, name string, offset, size int64) (io.ReadCloser, error) {
		return body(c.OpenRaw(ctx, name, offset, size))
	}}
}

// A case closes each reader and listing that it has opened.
func TestCasesCloseWhatTheyOpen(t *testing.T) {
	var files replicatest.Library
	for _, c := range replicatest.Cases() {
		var o opened
		cfg := replicatest.Share(newConfig(o.count), &files)
		cfg.Select = only(c.ID)
		report, err := replicatest.Check(t.Context(), cfg)
		require.NoError(t, err)
		require.NoError(t, report.Err())
		assert.Zero(t, o.readers.Load(), "%s leaves readers open", c.ID)
		assert.Zero(t, o.listings.Load(), "%s leaves listings open", c.ID)
	}
}
