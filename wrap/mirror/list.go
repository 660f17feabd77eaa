package mirror

import (
	"cmp"
	"context"
	"errors"
	"slices"

	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore/backend"
	"github.com/ltxstore/ltxstore/internal/flow"
	"github.com/ltxstore/ltxstore/wrap/internal/layer"
)

// List implements layer.Operations.
func (s *state) List(ctx context.Context, level int, seek ltx.TXID, useMetadata bool) (ltx.FileIterator, error) {
	m := &merge{state: s, level: level, seek: seek, meta: useMetadata}
	for _, r := range s.listed() {
		m.heads = append(m.heads, &head{replica: r})
	}
	return backend.NewPageIterator(ctx, m.page, backend.PageOptions{
		Seek:  seek,
		Wrap:  func(err error) error { return layer.Wrap(s.next, "list", "", cmp.Or(flow.Err(ctx), err)) },
		Close: m.close,
	}), nil
}

// merge is the listings of several replicas, merged.
type merge struct {
	*state
	level int
	seek  ltx.TXID
	meta  bool

	heads  []*head
	ctx    context.Context // of the pages; nil before the first
	want   int             // files of the next page
	failed []Failure
}

// head is a replica's listing, and its next file; nil after the last.
type head struct {
	*replica
	files ltx.FileIterator
	next  *ltx.FileInfo
	err   error
}

// page is a backend.PageFunc.
func (m *merge) page(ctx context.Context) (files []ltx.FileInfo, more bool, err error) {
	m.want = layer.NextPage(m.want)
	if m.ctx == nil {
		m.ctx = ctx
		if err := m.begin(); err != nil {
			return nil, false, err
		}
	}
	for len(files) < m.want {
		first := m.first()
		if first == nil {
			return files, false, nil
		}
		file := *first
		files = append(files, file)
		for _, h := range m.heads {
			if h.next != nil && layer.Compare(h.next, &file) == 0 {
				h.advance()
			}
		}
		if err := m.check(); err != nil {
			return nil, false, err
		}
	}
	return files, true, nil
}

// first returns the next file, as the first of the replicas that have it lists it.
func (m *merge) first() (first *ltx.FileInfo) {
	for _, h := range m.heads {
		if h.next != nil && (first == nil || layer.Compare(h.next, first) < 0) {
			first = h.next
		}
	}
	return first
}

// begin starts all listings at the same time.
func (m *merge) begin() error {
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

// check removes listings that have failed, and fails if too few are left.
func (m *merge) check() error {
	var failed []Failure
	m.heads = slices.DeleteFunc(m.heads, func(h *head) bool {
		if h.err == nil {
			return false
		}
		h.note(m.ctx, h.err)
		failed = append(failed, h.failure("list", layer.File{Level: m.level}, h.err))
		if h.files != nil {
			_ = h.files.Close() // it has failed already
		}
		return true
	})
	switch m.failed = append(m.failed, failed...); {
	case failed == nil:
		return nil
	case m.ctx.Err() != nil:
		return flow.Ended(m.ctx, failed[0].Err)
	case len(m.heads) < m.reads:
		return &Error{Failed: m.failed, Replicas: len(m.replicas)}
	}
	for _, f := range failed {
		m.state.failed(m.ctx, f)
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
