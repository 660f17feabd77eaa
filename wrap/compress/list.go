package compress

import (
	"context"

	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore/backend"
	"github.com/ltxstore/ltxstore/wrap/internal/codec"
)

// LTXFiles implements ltxstore.ReplicaClient. Beside the next client's listing,
// without metadata, it costs one ranged read of a KiB or little more for each
// file that this client has neither written nor looked at before, as long as the
// store lists it with the same size and time: Config.MetadataConcurrency at once,
// a page ahead of the caller. With useMetadata it costs one more for a file of
// more than a KiB that is not compressed. A file of more than a hundred frames that
// compress to less than an eighth, or of more than 32 GiB, costs one more for its
// seek table.
//
// CreatedAt of an LTX file is its header's timestamp, whatever useMetadata is. A
// file that is corrupt is listed with its stored size, and ends a listing with
// useMetadata with ErrChecksum (clause T3).
func (c *Client) LTXFiles(ctx context.Context, level int, seek ltx.TXID, useMetadata bool) (ltx.FileIterator, error) {
	if err := backend.CheckLevel(level); err != nil {
		return nil, codec.WrapCall(c.next, "list", err)
	}
	s, err := c.init(ctx)
	if err != nil {
		return nil, err
	}
	files, err := codec.Listing{
		Next: c.next, Level: level, Seek: seek, Concurrency: s.concurrency,
		Known: func(info *ltx.FileInfo) bool {
			known, ok := s.files.Get(codec.FileOf(info))
			if !ok || !known.is(info) || !known.tells(useMetadata) || known.corrupt != nil {
				return false
			}
			known.fill(info)
			return true
		},
		Look: func(ctx context.Context, info *ltx.FileInfo) error {
			f := codec.FileOf(info)
			known, err := c.look(ctx, s, f, *info, useMetadata)
			if err == nil && useMetadata {
				err = known.corrupt
			}
			if err != nil {
				return codec.Wrap(c.next, "list", f, err)
			}
			known.fill(info)
			return nil
		},
	}.Files(ctx)
	return files, codec.WrapCall(c.next, "list", err)
}
