package crypt

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"time"

	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/backend"
	"github.com/ltxstore/ltxstore/internal/ltxio"
	"github.com/ltxstore/ltxstore/wrap/internal/codec"
)

// LTXFiles implements ltxstore.ReplicaClient. Without useMetadata it costs what
// the next client's listing does, and CreatedAt is the time that gives; see
// Config.MixedHeaders for where it costs more. With useMetadata it costs one read
// of Config.HeaderSize bytes for each file that this client has neither written
// nor looked at before, as long as the store lists it with the same size and
// time, and for one of the age program a second, of 64 KiB. They run
// Config.MetadataConcurrency at once, a page ahead of the caller.
//
// A file that cannot be decrypted ends a listing with useMetadata with an error
// (clause T3), and is listed with a size that nobody can tell without.
func (c *Client) LTXFiles(ctx context.Context, level int, seek ltx.TXID, useMetadata bool) (ltx.FileIterator, error) {
	if err := backend.CheckLevel(level); err != nil {
		return nil, codec.WrapCall(c.next, "list", err)
	}
	s, err := c.init(ctx)
	if err != nil {
		return nil, err
	}
	if useMetadata && len(s.identities) == 0 {
		return nil, codec.WrapCall(c.next, "list", errNoIdentities)
	}
	files, err := codec.Listing{
		Next: c.next, Level: level, Seek: seek, Concurrency: s.concurrency,
		Known: func(info *ltx.FileInfo) bool { return s.known(info, useMetadata) },
		Look: func(ctx context.Context, info *ltx.FileInfo) error {
			f := codec.FileOf(info)
			known, err := c.look(ctx, s, f, info, useMetadata)
			if err != nil {
				return codec.Wrap(c.next, "list", f, err)
			}
			known.fill(info)
			return nil
		},
	}.Files(ctx)
	return files, codec.WrapCall(c.next, "list", err)
}

// seen is what is known of a stored file.
type seen struct {
	length int64     // of the file in the store
	at     time.Time // that the store gives

	size  int64 // of the body
	time  time.Time
	isLTX bool
	timed bool // time and isLTX are known
}

// seenMemory is about what it takes.
const seenMemory = 128

func (k *seen) fill(info *ltx.FileInfo) {
	info.Size, info.CreatedAt = k.size, k.at
	if k.isLTX {
		info.CreatedAt = k.time
	}
}

func (k *seen) describe(f codec.File) *ltx.FileInfo {
	info := &ltx.FileInfo{Level: f.Level, MinTXID: f.MinTXID, MaxTXID: f.MaxTXID}
	k.fill(info)
	return info
}

// known completes a listed file without a request, if it can.
func (s *setup) known(info *ltx.FileInfo, metadata bool) bool {
	k, ok := s.files.Get(codec.FileOf(info))
	if ok && k.length == info.Size && k.at.Equal(info.CreatedAt) && (k.timed || !metadata) {
		k.fill(info)
		return true
	}
	if metadata || s.mixed {
		return false
	}
	header := s.headerSize
	if opened, ok := s.keys.Get(codec.FileOf(info)); ok {
		header = opened.header
	}
	size, ok := plainSize(info.Size, header)
	if ok && size > 0 {
		info.Size = size
	}
	return ok && size > 0
}

// look reads a file's header, and remembers what it tells.
func (c *Client) look(ctx context.Context, s *setup, f codec.File, info *ltx.FileInfo, metadata bool) (*seen, error) {
	k := &seen{length: info.Size, at: info.CreatedAt, timed: metadata}
	header, err := c.lookAt(ctx, s, f, k, metadata)
	switch {
	case errors.Is(err, ltxstore.ErrChecksum) && !metadata: // it is no file of ours, and is listed as it is
		k.size = k.length
		return k, nil
	case err != nil:
		return nil, err
	}
	var ok bool
	if k.size, ok = plainSize(k.length, header); !ok {
		if metadata {
			return nil, codec.Corrupt("file of %d bytes with an age header of %d is cut off", k.length, header)
		}
		k.size = k.length
	}
	s.files.Put(f, k, seenMemory)
	return k, nil
}

// lookAt returns the size of a file's header and, with metadata, completes k.
func (c *Client) lookAt(ctx context.Context, s *setup, f codec.File, k *seen, metadata bool) (int64, error) {
	if !metadata {
		return c.measure(ctx, s, f)
	}
	file, err := c.unlock(ctx, s, f)
	if err != nil {
		return 0, err
	}
	if file.isOurs {
		k.time, k.isLTX = file.binding.time, file.binding.isLTX
		return file.header, nil
	}
	rc, err := c.openChunks(ctx, f, file, spanOf(0, ltx.HeaderSize))
	if err != nil {
		return 0, err
	}
	defer rc.Close()
	var head [ltx.HeaderSize]byte
	n, err := ltxio.ReadFull(rc, head[:])
	if err != nil && err != io.EOF {
		return 0, err
	}
	if k.time, k.isLTX, err = ltxio.Timestamp(head[:n]); err != nil {
		return 0, codec.Corrupt("%w", err)
	}
	return file.header, nil
}

// measure returns the size of a file's header without decrypting it.
func (c *Client) measure(ctx context.Context, s *setup, f codec.File) (int64, error) {
	var err error
	for _, size := range []int64{s.headerSize, maxHeaderSize} {
		var b, header []byte
		if b, err = codec.Read(ctx, c.next, f, 0, size); err != nil {
			return 0, err
		}
		if header, err = readHeader(bufio.NewReader(bytes.NewReader(b))); err == nil || !errors.Is(err, errShortHeader) {
			return int64(len(header)), err
		}
	}
	return 0, err
}
