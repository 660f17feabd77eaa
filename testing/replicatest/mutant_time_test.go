package replicatest_test

import (
	"context"
	"time"

	"github.com/superfly/ltx"
)

func timeMutants() []mutant {
	epoch := time.Unix(0, 0).UTC()
	return []mutant{
		{name: "returns the time of the write", fails: []string{"rewrite/replaces", "time/of-header", "list/sizes"},
			damage: onInfo(func(_ *client, info *ltx.FileInfo) { info.CreatedAt = time.Now().UTC() })},
		{name: "lists the store's time", fails: []string{
			"write/durable", "rewrite/replaces", "time/of-header", "time/stripped",
			"time/copied-by-another-tool", "time/failed-lookup", "list/sizes", "list/pages"},
			damage: onList(func(_ *client, list listFunc) listFunc {
				return func(ctx context.Context, level int, seek ltx.TXID, _ bool) (ltx.FileIterator, error) {
					return list(ctx, level, seek, false)
				}
			})},
		{name: "cuts times to the second", fails: []string{
			"write/durable", "rewrite/replaces", "time/of-header", "time/stripped",
			"time/copied-by-another-tool", "list/pages"},
			damage: func(c *client) {
				onInfo(func(_ *client, info *ltx.FileInfo) { wholeSeconds(info) })(c)
				onItem(func(_ *client, info *ltx.FileInfo) { wholeSeconds(info) })(c)
			}},
		{name: "returns local times", fails: []string{"time/of-header"},
			damage: onInfo(func(_ *client, info *ltx.FileInfo) {
				info.CreatedAt = info.CreatedAt.In(time.FixedZone("elsewhere", 3600))
			})},
		{name: "lists the epoch without useMetadata", fails: []string{"time/never-zero", "time/of-plain-body"},
			damage: onPlainItem(false, func(info *ltx.FileInfo) { info.CreatedAt = epoch })},
		{name: "cuts times to seconds without useMetadata", fails: []string{"time/never-zero"},
			damage: onPlainItem(true, wholeSeconds)},
		{name: "lists the epoch for a body without a header", fails: []string{"time/of-plain-body"},
			damage: onItem(func(c *client, info *ltx.FileInfo) {
				if !isLTX(c, info) {
					info.CreatedAt = epoch
				}
			})},
		{name: "falls back to the store's time where metadata is missing", fails: []string{"time/stripped", "time/copied-by-another-tool"},
			damage: onItem(func(c *client, info *ltx.FileInfo) {
				o, ok := c.world.bucket.Get(c.keys.File(info.Level, info.MinTXID, info.MaxTXID))
				if ok && o.Metadata["litestream-timestamp"] == "" {
					info.CreatedAt = o.ModTime
				}
			})},
		{name: "falls back to the store's time when a lookup fails", fails: []string{"time/failed-lookup"},
			damage: onList(func(_ *client, list listFunc) listFunc {
				return func(ctx context.Context, level int, seek ltx.TXID, useMetadata bool) (ltx.FileIterator, error) {
					itr, err := list(ctx, level, seek, useMetadata)
					if err != nil || !useMetadata {
						return itr, err
					}
					other, err := list(ctx, level, seek, false)
					if err != nil {
						return nil, err
					}
					return &fallback{ctx: ctx, FileIterator: itr, other: other}, nil
				}
			})},
	}
}

// fallback goes over to the other iterator if the first fails at once.
type fallback struct {
	ltx.FileIterator
	ctx   context.Context
	other ltx.FileIterator
	begun bool
}

func (f *fallback) Next() bool {
	next := f.FileIterator.Next()
	if !next && !f.begun && f.Err() != nil && f.ctx.Err() == nil {
		f.FileIterator, f.other = f.other, f.FileIterator
		next = f.FileIterator.Next()
	}
	f.begun = true
	return next
}

func (f *fallback) Close() error {
	_ = f.other.Close()
	return f.FileIterator.Close()
}

// isLTX reports whether a file that is listed has an LTX header.
func isLTX(c *client, info *ltx.FileInfo) bool {
	o, _ := c.world.bucket.Get(c.keys.File(info.Level, info.MinTXID, info.MaxTXID))
	return len(o.Body) >= ltx.HeaderSize && string(o.Body[:len(ltx.Magic)]) == ltx.Magic
}

func wholeSeconds(info *ltx.FileInfo) { info.CreatedAt = info.CreatedAt.Truncate(time.Second) }
