package v03

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/bits"
	"os"
	"path/filepath"

	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/internal/ltxio"
)

// write writes an LTX file of the pages that each passes to page, unless it exists in the
// destination.
func (c *converter) write(ctx context.Context, level int, hdr ltx.Header, each func(page func(pgno uint32) error) error) (err error) {
	file, err := os.Create(filepath.Join(c.dir, "ltx"))
	if err != nil {
		return err
	}
	defer file.Close()
	enc, err := ltx.NewEncoder(file)
	if err != nil {
		return err
	}
	if err := enc.EncodeHeader(hdr); err != nil {
		return err
	}
	err = each(func(pgno uint32) error {
		if err := c.db.read(pgno, c.page); err != nil {
			return err
		}
		return enc.EncodePage(ltx.PageHeader{Pgno: pgno}, c.page)
	})
	if err != nil {
		return err
	}
	enc.SetPostApplyChecksum(c.sum)
	if err := enc.Close(); err != nil {
		return err
	}
	if size, ok := c.there[ltxio.Name(level, hdr.MinTXID, hdr.MaxTXID)]; ok {
		c.result.Skipped++
		return c.compare(ctx, level, hdr, file, size)
	}
	if _, err := file.Seek(0, io.SeekStart); err != nil {
		return err
	}
	if _, err := c.dst.WriteLTXFile(ctx, level, hdr.MinTXID, hdr.MaxTXID, file); err != nil {
		return err
	}
	c.result.Written++
	return nil
}

// list returns the sizes of the destination's files by their names.
func (c *converter) list(ctx context.Context) (map[string]int64, error) {
	levels, err := ltxstore.Levels(ctx, c.dst)
	if err != nil {
		return nil, err
	}
	there := make(map[string]int64)
	for _, level := range levels {
		files, err := c.dst.LTXFiles(ctx, level, 0, false)
		if err != nil {
			return nil, err
		}
		for files.Next() {
			f := files.Item()
			there[ltxio.Name(f.Level, f.MinTXID, f.MaxTXID)] = f.Size
		}
		if err := files.Close(); err != nil {
			return nil, err
		}
	}
	if _, begins := there[ltxio.Name(0, 1, 1)]; len(there) > 0 && !begins {
		return nil, fmt.Errorf("destination has %d LTX files, but none of transaction 1 on level 0: want an empty place: %w", len(there), fs.ErrExist)
	}
	return there, nil
}

// compare fails with fs.ErrExist if the file in the destination, which has that size, has
// other content. Only the trailer is compared, with the checksums of the file and the
// database.
func (c *converter) compare(ctx context.Context, level int, hdr ltx.Header, file *os.File, size int64) error {
	differs := fmt.Errorf("destination has a different %s, from another history or program: want an empty place: %w",
		ltxio.Name(level, hdr.MinTXID, hdr.MaxTXID), fs.ErrExist)
	stat, err := file.Stat()
	if err != nil {
		return err
	}
	if stat.Size() != size {
		return differs
	}
	var want [ltx.TrailerSize]byte
	if _, err := file.ReadAt(want[:], size-ltx.TrailerSize); err != nil {
		return err
	}
	rc, err := c.dst.OpenLTXFile(ctx, level, hdr.MinTXID, hdr.MaxTXID, size-ltx.TrailerSize, 0)
	if err != nil {
		return err
	}
	got, err := io.ReadAll(rc)
	if err = errors.Join(err, rc.Close()); err != nil {
		return err
	}
	if !bytes.Equal(got, want[:]) {
		return differs
	}
	return nil
}

// pageSet is a set of page numbers, with a bit for each.
type pageSet struct{ words []uint64 }

func (s *pageSet) add(pgno uint32) {
	at := int(pgno / 64)
	if at >= len(s.words) {
		s.words = append(s.words, make([]uint64, at+1-len(s.words))...)
	}
	s.words[at] |= 1 << (pgno % 64)
}

// each calls f with the pages up to last, in order.
func (s *pageSet) each(last uint32, f func(pgno uint32) error) error {
	for i, word := range s.words {
		for ; word != 0; word &= word - 1 {
			pgno := uint32(i*64 + bits.TrailingZeros64(word))
			if pgno > last {
				return nil
			}
			if err := f(pgno); err != nil {
				return err
			}
		}
	}
	return nil
}
