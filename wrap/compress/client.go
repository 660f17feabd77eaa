// Package compress stores LTX files compressed with zstd, in frames that are decoded
// separately, so that a page is read without the rest of the file.
//
// # Files
//
// A file is a sequence of zstd frames, each of Config.FrameSize bytes of the body and preceded by
// its size, as pzstd writes them, and a trailer with the places of the frames, the size and LTX
// timestamp of the body, and checksums. Any zstd program decompresses it.
//
// A file that begins as an LTX file is read as it is, so that compression can be turned on for an
// existing replica. Reading any other file fails with ltxstore.ErrChecksum.
//
// # Sizes and times
//
// ltx.FileInfo.Size, and the offsets of OpenLTXFile, are those of the body. CreatedAt
// of an LTX file is always its header's timestamp (clause T1). Both are read from the
// end of the stored file and remembered; see Client for the cost. The next client is never asked
// for metadata.
//
// # Order
//
// Encrypted bytes do not compress: put compress outside
// [github.com/ltxstore/ltxstore/wrap/crypt].
package compress

import (
	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/wrap/internal/codec"
)

// Client stores files compressed. New returns one. It is safe for concurrent use.
//
// # Listing
//
// LTXFiles costs the next client's listing without metadata, and one ranged read of about a
// KiB for each file that this client has not written, listed or opened before, or that
// the store now lists with another size or time. An uncompressed file costs one more with
// useMetadata, and a file of more than 64 GiB, or of many frames that compress to less than an
// eighth, one more for its trailer. A damaged file is listed with its stored size; with useMetadata
// it ends the listing with ltxstore.ErrChecksum (clause T3).
//
// # Reading
//
// A whole file, or a range in its first 64 KiB, costs one request. Another range costs one
// request for its frames, and, unless the file was listed, written or opened before, a listing from
// the file and a read of its end besides. A range of an uncompressed file costs one more small read, to
// check that it has not been replaced by a compressed one. One frame is in memory, compressed and
// decompressed.
//
// A whole file is verified by a checksum of all its bytes, and a range by those of its frames.
// Damage is ltxstore.ErrChecksum.
//
// # Writing
//
// The next client is not told the size of a body beforehand. Two frames are in memory. If it refuses to
// replace a file (WriteOnce), the stored one is read and compared, because another release of the
// compressor may compress the same body differently.
type Client struct {
	*client
	given Config
}

type client = codec.Client

// New returns a client that stores files in next compressed. It sends no request and does not
// fail. If cfg is invalid, Init and every other method fail with fs.ErrInvalid.
func New(next ltxstore.ReplicaClient, cfg Config) *Client {
	return &Client{codec.New(next, cfg.MetadataConcurrency, cfg.CacheSize, cfg.open), cfg}
}
