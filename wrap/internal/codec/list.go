package codec

import (
	"context"
	"errors"

	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/backend"
	"github.com/ltxstore/ltxstore/internal/flow"
	"github.com/ltxstore/ltxstore/wrap/internal/layer"
)

// List implements layer.Operations. It lists without metadata, because times are read from the
// stored files, in pages that are read ahead by backend.NewPageIterator. The next client's
// listing begins with the first page.
func (s *Files) List(ctx context.Context, level int, seek ltx.TXID, metadata bool) (ltx.FileIterator, error) {
	if err := s.CanList(metadata); err != nil {
		return nil, err
	}
	p := &pages{Files: s, level: level, seek: seek, metadata: metadata, size: layer.NextPage(0)}
	wrap := func(err error) error { return layer.Wrap(s.next, "list", "", err) }
	return backend.NewPageIterator(ctx, p.page, backend.PageOptions{Seek: seek, Wrap: wrap, Close: p.close}), nil
}

// pages divides a listing into pages.
type pages struct {
	*Files
	level    int
	seek     ltx.TXID
	metadata bool
	stored   ltx.FileIterator // nil before the first page
	size     int
}

// page is a backend.PageFunc.
func (p *pages) page(ctx context.Context) (files []ltx.FileInfo, more bool, err error) {
	if p.stored == nil {
		if p.stored, err = p.next.List(ctx, p.level, p.seek, false); err != nil {
			return nil, false, err
		}
	}
	for len(files) < p.size && p.stored.Next() {
		files = append(files, *p.stored.Item())
	}
	if err := p.stored.Err(); err != nil {
		return nil, false, err
	}
	more = len(files) == p.size // one more page, even if it turns out empty
	p.size = layer.NextPage(p.size)
	files, err = p.complete(ctx, files)
	return files, more, err
}

// complete changes the files into those that were written. It omits those deleted since.
func (p *pages) complete(ctx context.Context, files []ltx.FileInfo) ([]ltx.FileInfo, error) {
	var unknown []int
	for i := range files {
		if !p.fillKnown(&files[i], p.metadata) {
			unknown = append(unknown, i)
		}
	}
	gone := make([]bool, len(files))
	err := flow.All(ctx, len(unknown), p.concurrency, func(ctx context.Context, i int) error {
		at := unknown[i]
		err := p.fillStored(ctx, &files[at], p.metadata)
		if gone[at] = layer.IsMissing(err); gone[at] {
			return nil
		}
		return layer.WrapFile(p.next, "list", layer.FileOf(&files[at]), err)
	})
	if err != nil {
		return nil, flow.Ended(ctx, err)
	}
	kept := files[:0]
	for i, file := range files {
		if !gone[i] {
			kept = append(kept, file)
		}
	}
	return kept, nil
}

// fillKnown changes info, a file as the store lists it, into the file as it was written. It
// reports whether it could do so without a request.
func (s *Files) fillKnown(info *ltx.FileInfo, metadata bool) bool {
	if known, ok := s.known.Get(layer.FileOf(info)); ok && known.of(info, metadata) {
		known.fill(info)
		return true
	}
	size, ok := s.SizeOf(info.Size)
	if ok = ok && !metadata; ok {
		info.Size = size
	}
	return ok
}

// fillStored does the same with requests. Without metadata a damaged file keeps its stored size.
func (s *Files) fillStored(ctx context.Context, info *ltx.FileInfo, metadata bool) error {
	known, err := s.Inspect(ctx, *info, metadata)
	switch {
	case errors.Is(err, ltxstore.ErrChecksum) && !metadata:
		return nil
	case err != nil:
		return err
	}
	s.known.Put(layer.FileOf(info), known, knownMemory)
	known.fill(info)
	return nil
}

func (p *pages) close() error {
	if p.stored == nil {
		return nil
	}
	return p.stored.Close()
}
