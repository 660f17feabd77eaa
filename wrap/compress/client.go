// Package compress stores LTX files compressed with zstd, in frames that can be
// decoded one by one, so that a page is read without the rest of the file.
//
// # Files
//
// A file is a number of zstd frames of Config.FrameSize bytes each, and the seek
// table of the zstd seekable format
// (https://github.com/facebook/zstd/blob/dev/contrib/seekable_format/zstd_seekable_compression_format.md).
// Any zstd program decompresses it, and any reader of the seekable format reads
// it. Before the table stands a skippable frame with the size and the LTX
// timestamp of the file and a checksum of the table.
//
// A file that does not begin with the zstd magic was written before compression
// was turned on: it is read as it is. Such a file must not begin with that magic,
// nor be a shorter beginning of it, which no LTX file is.
//
// # Sizes and times
//
// ltx.FileInfo.Size, and the offsets of OpenLTXFile, are those of the body that
// was written. CreatedAt of an LTX file is always its header's timestamp (clause
// T1). Both are read from the stored file's end and remembered: see
// Client.LTXFiles for what that costs. The next client is never asked for
// metadata.
//
// # Order
//
// Compress before encrypting: what is encrypted does not compress. The client is
// to be wrapped around the one that encrypts.
package compress

import (
	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/wrap/internal/codec"
)

// Client is a replica whose files are stored compressed. It is made by New and
// safe for concurrent use. Besides those of ltxstore.ReplicaClient it has the methods
// of every wrapper; see package wrap.
//
// # Listing
//
// In addition to the next client's listing, without metadata, LTXFiles costs one ranged
// read of a KiB or little more for each file that this client has neither written nor
// looked at before, as long as the store lists it with the same size and time:
// Config.MetadataConcurrency at once, a page ahead of the caller. With useMetadata it
// costs one more for a file of more than a KiB that is not compressed. A file of more
// than a hundred frames that compress to less than an eighth, or of more than 32 GiB,
// costs one more for its seek table.
//
// CreatedAt of an LTX file is its header's timestamp, whatever useMetadata is. A
// file that is corrupt is listed with its stored size, and ends a listing with
// useMetadata with ErrChecksum (clause T3).
//
// # Reading
//
// A whole file, or a range in its first 64 KiB, is one request. Another range is one
// request for the frames that it touches, if the file was listed, written or opened
// before; else a listing that starts at the file and a read of its end come first. A
// range of a file that is not compressed costs one small read more each time: what it
// begins with tells that it still is not; and the whole of one that is not an LTX file
// either, a listing and a read of its end.
//
// Frames that do not decode, a file that is cut off and a seek table that
// contradicts the frames are ErrChecksum. A range is checked by the checksums of
// its frames and, if it reaches the end of a file that is read from its
// beginning, by the seek table. One frame, compressed and not, is in memory.
//
// # Writing
//
// WriteLTXFile costs what the next client's does for the compressed body, whose size is
// not known beforehand. Two frames are in memory. When the next client refuses to
// replace a file (WriteOnce), the stored one is read back and compared: another release
// of the compressor may have made other bytes of the same body.
//
// DeleteLTXFiles and DeleteAll are the next client's.
type Client struct {
	client
	given Config
}

type client = codec.Client

// New returns a client that compresses what goes to next. It sends nothing and
// cannot fail: Init, which every method calls, tells what is wrong with cfg.
func New(next ltxstore.ReplicaClient, cfg Config) *Client {
	return &Client{codec.New(next, wrapper, cfg.open), cfg}
}
