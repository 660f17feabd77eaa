package mirror

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"sync"

	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore/backend"
	"github.com/ltxstore/ltxstore/internal/flow"
	"github.com/ltxstore/ltxstore/wrap/internal/layer"
)

// LTXFiles implements ltxstore.ReplicaClient: the listings of all healthy replicas, or of
// more if those are not enough, put together as they are read. A name that several have
// is there once, as the first of them lists it. It costs what it does in each. A replica
// whose listing fails is left out, as long as the others have every file.
func (c *Client) LTXFiles(ctx context.Context, level int, seek ltx.TXID, useMetadata bool) (ltx.FileIterator, error) {
	s, err := layer.Begin(ctx, c.base, "list", backend.CheckLevel(level))
	if err != nil {
		return nil, err
	}
	replicas, last := s.order()
	if len(replicas) < s.reads {
		replicas = append(replicas, last...)
	}
	inner, cancel := context.WithCancel(ctx)
	m := newMerge(inner, c, s, replicas, s.reads, level, seek, useMetadata)
	return &iterator{
		FileIterator: backend.NewPageIterator(inner, m.page, backend.PageOptions{
			Seek: seek,
			Wrap: func(err error) error { return c.end(ctx, "list", "", err) },
		}),
		cancel: cancel,
		close:  sync.OnceValue(m.close),
	}, nil
}

// iterator closes the replicas' listings too.
type iterator struct {
	ltx.FileIterator
	cancel context.CancelFunc
	close  func() error
}

// Close implements io.Closer. What runs ahead ends before the replicas' iterators, which
// belong to one goroutine at a time, are closed.
func (it *iterator) Close() error {
	it.cancel()
	err := it.FileIterator.Close()
	return cmp.Or(err, it.close())
}

// merge puts listings together.
type merge struct {
	ctx   context.Context
	c     *Client
	s     *state
	level int
	seek  ltx.TXID
	meta  bool
	needs int // how many may not fail

	heads  []*head
	found  []listed
	begun  bool
	want   int // files of the next page
	failed []Failure
}

// head is a replica's listing, and its next file; nil after the last.
type head struct {
	*replica
	files ltx.FileIterator
	next  *ltx.FileInfo
	err   error
}

func newMerge(ctx context.Context, c *Client, s *state, replicas []*replica, needs, level int, seek ltx.TXID, meta bool) *merge {
	m := &merge{ctx: ctx, c: c, s: s, level: level, seek: seek, meta: meta, needs: needs}
	for _, r := range s.replicas { // in their order
		for _, asked := range replicas {
			if asked == r {
				m.heads = append(m.heads, &head{replica: r})
			}
		}
	}
	return m
}

const (
	firstPage = 8
	lastPage  = 1024
)

// page is an backend.PageFunc.
func (m *merge) page(context.Context) (files []ltx.FileInfo, more bool, err error) {
	m.want = min(max(2*m.want, firstPage), lastPage)
	for len(files) < m.want {
		found, err := m.next()
		if err != nil {
			return nil, false, err
		}
		if len(found) == 0 {
			return files, false, nil
		}
		files = append(files, *found[0].info)
	}
	return files, true, nil
}

// listed is a file in a replica.
type listed struct {
	*replica
	info *ltx.FileInfo
}

// next returns the next file, in all replicas that have it; none at the end. The slice
// is valid until the next call.
func (m *merge) next() ([]listed, error) {
	if err := m.begin(); err != nil {
		return nil, err
	}
	found := m.found[:0]
	for _, h := range m.heads {
		if h.next == nil {
			continue
		}
		order := 1 // of what was found to this
		if len(found) > 0 {
			order = compare(found[0].info, h.next)
		}
		if order > 0 {
			found = found[:0]
		}
		if order >= 0 {
			found = append(found, listed{h.replica, h.next})
		}
	}
	for _, f := range found {
		for _, h := range m.heads {
			if h.replica == f.replica {
				h.advance()
			}
		}
	}
	m.found = found
	return found, m.check()
}

// begin begins all listings at the same time.
func (m *merge) begin() error {
	if m.begun {
		return nil
	}
	m.begun = true
	flow.Each(len(m.heads), len(m.heads), func(i int) {
		h := m.heads[i]
		if h.files, h.err = h.client.LTXFiles(m.ctx, m.level, m.seek, m.meta); h.err == nil {
			h.advance()
		}
	})
	return m.check()
}

func (h *head) advance() {
	if h.next = nil; h.files.Next() {
		h.next = h.files.Item()
		return
	}
	h.err = h.files.Err()
}

// check leaves out listings that have failed, if the others are enough.
func (m *merge) check() error {
	if !slices.ContainsFunc(m.heads, func(h *head) bool { return h.err != nil }) {
		return nil
	}
	var healthy []*head
	for _, h := range m.heads {
		if h.err == nil {
			healthy = append(healthy, h)
			continue
		}
		if m.ctx.Err() != nil {
			return flow.Ended(m.ctx, h.err)
		}
		h.note(m.ctx, h.err)
		m.failed = append(m.failed, h.failure("list", layer.File{Level: m.level}, h.err))
		if h.files != nil {
			_ = h.files.Close() // has failed
		}
	}
	now := m.failed[len(m.failed)-(len(m.heads)-len(healthy)):]
	m.heads = healthy
	if len(healthy) < m.needs {
		return &Error{Failed: m.failed, Replicas: len(m.s.replicas)}
	}
	for _, f := range now {
		m.c.failed(m.ctx, m.s, f)
	}
	return nil
}

// close closes all listings.
func (m *merge) close() error {
	var failed error
	for _, h := range m.heads {
		if h.files == nil {
			continue
		}
		if err := h.files.Close(); err != nil && !errors.Is(err, context.Canceled) {
			failed = cmp.Or(failed, err)
		}
	}
	return failed
}

func compare(a, b *ltx.FileInfo) int {
	return cmp.Or(cmp.Compare(a.MinTXID, b.MinTXID), cmp.Compare(a.MaxTXID, b.MaxTXID))
}
