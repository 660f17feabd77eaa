package gcs

import (
	"context"
	"log/slog"

	"cloud.google.com/go/storage"
	"github.com/superfly/ltx"
	"google.golang.org/api/iterator"

	"github.com/ltxstore/ltxstore"
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
	l.pager = pager{bucket: r.bucket, size: r.cfg.PageSize, query: storage.Query{Prefix: prefix}, fields: []string{"Name", "Size", "Created", "Metadata"}}
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
	bucket *storage.BucketHandle
	size   int
	query  storage.Query
	fields []string // what is asked for of each object
	token  string
}

// next asks for the next page: one request. An object whose Prefix is set is a
// deeper prefix.
func (p *pager) next(ctx context.Context) (page []*storage.ObjectAttrs, more bool, err error) {
	query := p.query
	query.Delimiter, query.Projection = "/", storage.ProjectionNoACL
	if err := query.SetAttrSelection(p.fields); err != nil {
		return nil, false, err
	}
	it := p.bucket.Objects(ctx, &query)
	info := it.PageInfo()
	info.MaxSize, info.Token = p.size, p.token
	for len(page) == 0 || info.Remaining() > 0 {
		o, err := it.Next()
		if err == iterator.Done {
			return page, false, nil
		}
		if err != nil {
			return nil, false, err
		}
		page = append(page, o)
	}
	p.token = info.Token
	return page, p.token != "", nil
}
