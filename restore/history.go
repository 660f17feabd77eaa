package restore

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"sort"
	"time"

	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/internal/flow"
	"github.com/ltxstore/ltxstore/internal/ltxio"
)

// link is a file, with the checksums of the databases before and after it.
type link struct {
	info *ltx.FileInfo
	hdr  ltx.Header
	post ltx.Checksum
	err  error

	// The previous file on the best way to this one; nil if none was found, or this
	// is the first of the history.
	before  *link
	reached bool
	files   int
}

// history makes a plan with the checksums of all files. Of all ways to combine files
// of one history, it chooses the one that reaches furthest with the fewest files. It
// lists every level and reads the header and the trailer of each file.
func (k *knowledge) history(ctx context.Context) (*Plan, error) {
	p := newPlanner(ctx, k.client, k.cfg.Target, k.skip)
	all, err := p.list()
	if err != nil {
		return nil, err
	}
	var links []*link
	for _, info := range all {
		if !k.skip(info) && info.MinTXID > 0 {
			links = append(links, &link{info: info})
		}
	}
	if err := k.read(p.ctx, links); err != nil {
		return nil, err
	}
	var wanted []*link
	var late []*ltx.FileInfo
	for _, l := range links {
		switch {
		case l.err != nil:
		case p.tooNew(l):
			late = append(late, l.info)
		default:
			wanted = append(wanted, l)
		}
	}
	for l := furthest(wanted); l != nil; l = l.before {
		p.files = append(p.files, l.info)
		p.reached = max(p.reached, l.info.MaxTXID)
	}
	slices.Reverse(p.files)
	for _, info := range late {
		if info.MinTXID-1 <= p.reached {
			p.exclude(info)
		}
	}
	var beyond ltx.TXID
	for _, info := range all {
		if info.MinTXID > p.reached+1 && (beyond == 0 || info.MinTXID < beyond) {
			beyond = info.MinTXID
		}
	}
	p.seen.Store(len(all) > 0)
	return p.plan(beyond)
}

// list returns the files of all levels, which it lists concurrently.
func (p *planner) list() ([]*ltx.FileInfo, error) {
	levels, err := ltxstore.Levels(p.ctx, p.client)
	if err != nil {
		return nil, err
	}
	found := make([][]*ltx.FileInfo, len(levels))
	err = flow.All(p.ctx, len(levels), len(levels), func(ctx context.Context, i int) error {
		files, err := p.client.LTXFiles(ctx, levels[i], 0, false)
		if err != nil {
			return err
		}
		for files.Next() {
			found[i] = append(found[i], files.Item())
		}
		return errors.Join(files.Err(), files.Close())
	})
	return slices.Concat(found...), err
}

func (p *planner) tooNew(l *link) bool {
	if p.target.Before.IsZero() {
		return p.target.TXID != 0 && l.info.MaxTXID > p.target.TXID
	}
	l.info.CreatedAt = time.UnixMilli(l.hdr.Timestamp).UTC()
	return !l.info.CreatedAt.Before(p.target.Before)
}

// read reads headers and trailers. It records damaged files; if a file was deleted,
// the error is a goneError.
func (k *knowledge) read(ctx context.Context, links []*link) error {
	err := flow.All(ctx, len(links), cmp.Or(k.cfg.Concurrency, defaultConcurrency), func(ctx context.Context, i int) error {
		l := links[i]
		if l.hdr, l.err = ltxstore.FetchLTXHeader(ctx, k.client, l.info); l.err == nil && !l.hdr.NoChecksum() {
			l.post, l.err = fetchPost(ctx, k.client, l.info)
		}
		switch {
		case errors.Is(l.err, fs.ErrNotExist):
			return &goneError{l.err}
		case errors.Is(l.err, ltxstore.ErrChecksum):
			return nil
		}
		return l.err
	})
	for _, l := range links {
		if errors.Is(l.err, ltxstore.ErrChecksum) {
			k.isDamaged(l.info, l.err)
		}
	}
	return err
}

// fetchPost reads the checksum of the database after a file.
func fetchPost(ctx context.Context, client ltxstore.ReplicaClient, info *ltx.FileInfo) (ltx.Checksum, error) {
	name := ltxio.Name(info.Level, info.MinTXID, info.MaxTXID)
	if info.Size < ltx.HeaderSize+ltx.TrailerSize {
		return 0, failed(client, name, fmt.Errorf("%d bytes are too few for an LTX file: %w", info.Size, ltxstore.ErrChecksum))
	}
	rc, err := client.OpenLTXFile(ctx, info.Level, info.MinTXID, info.MaxTXID, info.Size-ltx.TrailerSize, ltx.TrailerSize)
	if err != nil {
		return 0, err
	}
	defer rc.Close()
	var b [ltx.TrailerSize]byte
	if _, err := ltxio.ReadFull(&flow.Reader{Ctx: ctx, R: rc}, b[:]); err == io.EOF {
		return 0, failed(client, name, fmt.Errorf("file ends before its trailer: %w", ltxstore.ErrChecksum))
	} else if err != nil {
		return 0, failed(client, name, err)
	}
	var trailer ltx.Trailer
	if err := trailer.UnmarshalBinary(b[:]); err != nil {
		return 0, failed(client, name, fmt.Errorf("trailer: %w: %w", err, ltxstore.ErrChecksum))
	}
	return trailer.PostApplyChecksum, nil
}

// furthest returns the last file of the best way, or nil if there is none. Of several
// with the same number of files, it returns the one that starts last.
func furthest(links []*link) (last *link) {
	slices.SortStableFunc(links, func(a, b *link) int { return compare(a.info, b.info) })
	endsFrom := func(txid ltx.TXID) int {
		return sort.Search(len(links), func(i int) bool { return links[i].info.MaxTXID >= txid })
	}
	for _, l := range links {
		if l.info.MinTXID == 1 {
			l.reached, l.files = true, 1
		} else {
			for _, o := range links[endsFrom(l.info.MinTXID-1):endsFrom(l.info.MaxTXID)] {
				follow(o, l)
			}
		}
		if l.reached && (last == nil || last.info.MaxTXID < l.info.MaxTXID || l.files <= last.files) {
			last = l
		}
	}
	return last
}

// follow makes o the file before n, if they fit and that way is shorter.
func follow(o, n *link) {
	switch {
	case !o.reached, o.hdr.PageSize != n.hdr.PageSize, !fits(o, n):
	case n.reached && n.files <= o.files+1:
	default:
		n.before, n.reached, n.files = o, true, o.files+1
	}
}

// fits reports whether n applies to the database that the way to o has before n
// starts. If no file of the way ends there, no checksum is known, and n fits.
func fits(o, n *link) bool {
	for l := o; l != nil && l.info.MaxTXID >= n.info.MinTXID-1; l = l.before {
		if l.info.MaxTXID == n.info.MinTXID-1 && !l.hdr.NoChecksum() && !n.hdr.NoChecksum() {
			return l.post == n.hdr.PreApplyChecksum
		}
	}
	return true
}
