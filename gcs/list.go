package gcs

import (
	"cmp"
	"context"
	"log/slog"
	"strings"

	"cloud.google.com/go/storage"
	"github.com/superfly/ltx"
	"google.golang.org/api/iterator"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/internal/bounded"
	"github.com/ltxstore/ltxstore/internal/ctxio"
	"github.com/ltxstore/ltxstore/internal/oplog"
)

// LTXFiles implements ltxstore.ReplicaClient. It costs one request for each
// Config.PageSize files from seek on, or a single one if there are none; deeper
// prefixes below the level count as one file each. The next page is fetched
// ahead. The timestamps come with the listing.
//
// A file without a readable timestamp in its metadata, as another tool's copy,
// has the object's time of creation as CreatedAt; with useMetadata its header
// is read, by a GET of 100 bytes, Config.MetadataConcurrency at once. One that
// is deleted meanwhile is left out; one with the LTX magic and no valid header
// ends the listing with ErrChecksum (clause T3).
func (c *ReplicaClient) LTXFiles(ctx context.Context, level int, seek ltx.TXID, useMetadata bool) (ltx.FileIterator, error) {
	if err := ltxstore.CheckLevel(level); err != nil {
		return nil, wrap("list", "", err)
	}
	r, err := c.init(ctx)
	if err != nil {
		return nil, err
	}
	op := c.log.Start(ctx, oplog.Op{Replica: backend, Name: "list", Level: level, Done: slog.LevelDebug})
	prefix := r.keys.LevelPrefix(level)
	l := &listing{r: r, level: level, seek: seek, metadata: useMetadata}
	l.pager = r.pager(prefix, "Name", "Size", "Created", "Metadata")
	if seek > 0 {
		l.pager.query.StartOffset = r.keys.Seek(level, seek)
	}
	it := ltxstore.NewPageIterator(ctx, l.page, ltxstore.PageOptions{
		Seek:   seek,
		Wrap:   func(err error) error { return wrap("list", prefix, ctxio.Ended(ctx, err)) },
		Logger: c.log.Get(),
	})
	return op.Listing(it), nil
}

// listing is one call of LTXFiles.
type listing struct {
	r        *replica
	level    int
	seek     ltx.TXID
	metadata bool
	pager    pager
}

// page is an ltxstore.PageFunc.
func (l *listing) page(ctx context.Context) ([]ltx.FileInfo, bool, error) {
	objects, more, err := l.pager.next(ctx)
	if err != nil {
		return nil, false, err
	}
	found := make([]listed, 0, len(objects))
	for _, o := range objects {
		level, minTXID, maxTXID, ok := l.r.keys.Parse(o.Name)
		if !ok || level != l.level || minTXID < l.seek {
			continue
		}
		found = append(found, listed{key: o.Name, metadata: o.Metadata, FileInfo: ltx.FileInfo{
			Level: level, MinTXID: minTXID, MaxTXID: maxTXID, Size: o.Size, CreatedAt: o.Created.UTC()}})
	}
	if err := l.r.complete(ctx, found, l.metadata); err != nil {
		return nil, false, err
	}
	files := make([]ltx.FileInfo, 0, len(found))
	for _, f := range found {
		if !f.gone {
			files = append(files, f.FileInfo)
		}
	}
	return files, more, nil
}

// pager reads the objects right below a prefix. What is deeper comes as one
// prefix for each name, however much there is below it.
type pager struct {
	*replica
	query  storage.Query
	fields []string // what is asked for of each object
	token  string
	pages  bounded.Pages
}

func (r *replica) pager(prefix string, fields ...string) pager {
	return pager{replica: r, query: storage.Query{Prefix: prefix}, fields: fields}
}

// next asks for the next page: one request. An object whose Prefix is set is a
// deeper prefix.
func (p *pager) next(ctx context.Context) (page []*storage.ObjectAttrs, more bool, err error) {
	query := p.query
	query.Delimiter, query.Projection = "/", storage.ProjectionNoACL
	if err := query.SetAttrSelection(p.fields); err != nil {
		return nil, false, err
	}
	x := &exchange{pages: &p.pages}
	it := p.bucket.Objects(x.context(ctx), &query)
	info := it.PageInfo()
	info.MaxSize, info.Token = p.cfg.PageSize, p.token
	for len(page) == 0 || info.Remaining() > 0 {
		o, err := it.Next()
		if err == iterator.Done {
			return page, false, nil
		}
		if err != nil {
			return nil, false, err
		}
		if name := nameOf(o); name == "" || !strings.HasPrefix(name, p.query.Prefix) {
			return nil, false, foreign("the listing of %q has %.100q", p.query.Prefix, name)
		}
		page = append(page, o)
	}
	if p.token = info.Token; p.token != "" && p.cfg.Client != nil { // else the transport has looked
		names := make([]string, len(page))
		for i, o := range page {
			names[i] = nameOf(o)
		}
		err = p.pages.Add(p.token, names)
	}
	return page, p.token != "", err
}

// nameOf returns the name of an object, or a prefix.
func nameOf(o *storage.ObjectAttrs) string { return cmp.Or(o.Prefix, o.Name) }
