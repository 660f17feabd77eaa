package s3

import (
	"context"
	"log/slog"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/internal/ctxio"
	"github.com/ltxstore/ltxstore/internal/oplog"
)

// LTXFiles implements ltxstore.ReplicaClient. It costs one LIST for each 1000
// files from seek on, or a single one if there are none; deeper prefixes below
// the level count as one file each. The next page is fetched ahead. Where the
// provider does not start at a given key, or does not sort, a seek lists the
// level from its beginning; where it does not sort, the level is in memory
// before the first item.
//
// Without useMetadata CreatedAt is the object's LastModified. With it there is
// a HEAD for each file, Config.MetadataConcurrency at once, a page ahead of the
// caller; and a GET of 100 bytes for each whose metadata has no readable
// timestamp. A file that is deleted meanwhile is left out; one with the LTX
// magic and no valid header ends the listing with ErrChecksum (clause T3). A
// store that lists files without their size or time costs a HEAD for each of
// these too. A HEAD that finds nothing costs a GET of one byte: only its answer
// tells a deleted file from a proxy without a route, which is ErrUnavailable.
// A listing that repeats itself ends with an error.
func (c *ReplicaClient) LTXFiles(ctx context.Context, level int, seek ltx.TXID, useMetadata bool) (ltx.FileIterator, error) {
	if err := ltxstore.CheckLevel(level); err != nil {
		return nil, wrap("list", "", err)
	}
	r, err := c.init(ctx)
	if err != nil {
		return nil, err
	}
	op := c.log.Start(ctx, oplog.Op{Replica: backend, Name: "list", Level: level, Done: slog.LevelDebug})
	l := &listing{r: r, level: level, seek: seek, metadata: useMetadata, pager: r.pager(r.keys.LevelPrefix(level))}
	if seek > 0 && !r.provider.noStartAfter {
		l.pager.startAfter = r.keys.Seek(level, seek)
	}
	it := ltxstore.NewPageIterator(ctx, l.page, ltxstore.PageOptions{
		Seek:     seek,
		Unsorted: r.provider.unsorted,
		Wrap:     func(err error) error { return r.wrap("list", l.pager.prefix, ctxio.Ended(ctx, err)) },
		Logger:   c.log.Get(),
	})
	return op.Listing(it), nil
}

func (r *replica) pager(prefix string) pager {
	return pager{api: r.api, bucket: r.cfg.Bucket, prefix: prefix}
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
	page, err := l.pager.next(ctx)
	if err != nil {
		return nil, false, err
	}
	found := make([]listed, 0, len(page.objects))
	for _, object := range page.objects {
		level, minTXID, maxTXID, ok := l.r.keys.Parse(*object.Key)
		if !ok || level != l.level || minTXID < l.seek {
			continue
		}
		f := listed{key: *object.Key, sized: object.Size != nil, FileInfo: ltx.FileInfo{
			Level: level, MinTXID: minTXID, MaxTXID: maxTXID,
			Size: aws.ToInt64(object.Size), CreatedAt: aws.ToTime(object.LastModified).UTC()}}
		found = append(found, f)
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
	return files, page.more, nil
}

// listed is a file of a page. Its CreatedAt is the zero time until it is known.
type listed struct {
	ltx.FileInfo
	key   string
	sized bool // Size is known
	gone  bool // deleted since it was listed
}
