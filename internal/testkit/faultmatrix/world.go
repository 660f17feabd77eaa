package faultmatrix

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/superfly/ltx"
)

// Client is the client of a World.
type Client interface {
	LTXFiles(ctx context.Context, level int, seek ltx.TXID, useMetadata bool) (ltx.FileIterator, error)
	OpenLTXFile(ctx context.Context, level int, minTXID, maxTXID ltx.TXID, offset, size int64) (io.ReadCloser, error)
	WriteLTXFile(ctx context.Context, level int, minTXID, maxTXID ltx.TXID, r io.Reader) (*ltx.FileInfo, error)
	DeleteLTXFiles(ctx context.Context, files []*ltx.FileInfo) error
	DeleteAll(ctx context.Context) error
}

// World is a replica, its store, and the operations of the rows. Each operation
// returns the client's error, or one that describes a wrong result.
type World struct {
	Client Client

	Put       func(key string, body []byte)
	Get       func(key string) (body []byte, ok bool)
	Keys      func() []string // of all objects
	Leftovers func() []string // unfinished uploads

	// Key returns the key of a file of level 0 with one transaction.
	Key func(txid ltx.TXID) string

	// Orphans is the number of unfinished uploads that may remain, because the
	// client does not know them.
	Orphans int

	// Listed is the number of files to list and delete.
	Listed int
}

const (
	timestamp  = 1_700_000_000_123 // of every header
	listedSize = 200               // of every file that is listed
)

// Body returns the same LTX-like body of this size each time.
func Body(size int) []byte {
	hdr := ltx.Header{Version: ltx.Version, PageSize: 4096, Commit: 1, MinTXID: 1, MaxTXID: 1,
		Timestamp: timestamp, Flags: ltx.HeaderFlagNoChecksum}
	b, err := hdr.MarshalBinary()
	if err != nil {
		panic("faultmatrix: " + err.Error())
	}
	var pattern [251]byte // of no power of two: what is shifted is seen
	for i := range pattern {
		pattern[i] = byte(i)
	}
	return append(b, bytes.Repeat(pattern[:], size/len(pattern)+1)...)[:size]
}

// Write stores a body as a stream of unknown length, and checks the result.
func (w *World) Write(ctx context.Context, size int) error {
	body := Body(size)
	info, err := w.Client.WriteLTXFile(ctx, 0, 1, 1, struct{ io.Reader }{bytes.NewReader(body)})
	content, stored := w.Get(w.Key(1))
	switch {
	case len(w.Leftovers()) > w.Orphans:
		return errors.New("an upload was left")
	case stored && !bytes.Equal(content, body):
		return errors.New("other bytes were stored")
	case err == nil && (!stored || info.Size != int64(size)):
		return errors.New("success without a file")
	case err != nil && stored:
		return fmt.Errorf("a file was stored, and yet: %v", err)
	}
	return err
}

// Read reads a range of a file of fileSize bytes that another program has
// stored.
func (w *World) Read(ctx context.Context, fileSize int, offset, size int64) error {
	w.Put(w.Key(1), Body(fileSize))
	return w.read(ctx, fileSize, offset, size)
}

// ReadBack reads a file that the client itself has written.
func (w *World) ReadBack(ctx context.Context, fileSize int) error {
	if err := w.Write(ctx, fileSize); err != nil {
		return err
	}
	return w.read(ctx, fileSize, 0, 0)
}

func (w *World) read(ctx context.Context, fileSize int, offset, size int64) error {
	body := Body(fileSize)
	r, err := w.Client.OpenLTXFile(ctx, 0, 1, 1, offset, size)
	if err != nil {
		return err
	}
	defer r.Close()
	got, err := io.ReadAll(r)
	want := body[offset:]
	if size > 0 {
		want = want[:size]
	}
	switch {
	case err == nil && !bytes.HasPrefix(want, got):
		return errors.New("other bytes were read")
	case err == nil && len(got) < len(want):
		return errors.New("a short success")
	}
	return err
}

// fill stores the files that are listed and deleted.
func (w *World) fill() {
	for i := range w.Listed {
		w.Put(w.Key(ltx.TXID(i+1)), Body(listedSize))
	}
}

// List lists the files and checks that the listing is complete.
func (w *World) List(ctx context.Context, useMetadata bool) error {
	w.fill()
	it, err := w.Client.LTXFiles(ctx, 0, 0, useMetadata)
	if err != nil {
		return err
	}
	n := 0
	for it.Next() {
		n++
		switch item := it.Item(); {
		case item.MinTXID != ltx.TXID(n):
			return fmt.Errorf("file %d came as number %d", item.MinTXID, n)
		case item.Size != listedSize:
			return fmt.Errorf("file %d has %d bytes", n, item.Size)
		case useMetadata && item.CreatedAt.UnixMilli() != timestamp:
			return fmt.Errorf("file %d is of %v", n, item.CreatedAt)
		}
	}
	if err := it.Close(); err != nil {
		return err
	}
	if n != w.Listed {
		return fmt.Errorf("%d files of %d were taken for all", n, w.Listed)
	}
	return nil
}

// Delete deletes the first three files.
func (w *World) Delete(ctx context.Context) error {
	w.fill()
	var files []*ltx.FileInfo
	for txid := ltx.TXID(1); txid <= 3; txid++ {
		files = append(files, &ltx.FileInfo{MinTXID: txid, MaxTXID: txid})
	}
	if err := w.Client.DeleteLTXFiles(ctx, files); err != nil {
		return err
	}
	if n := len(w.Keys()); n != w.Listed-3 {
		return fmt.Errorf("%d files are left of %d", n, w.Listed-3)
	}
	return nil
}

// DeleteAll deletes the replica.
func (w *World) DeleteAll(ctx context.Context) error {
	w.fill()
	if err := w.Client.DeleteAll(ctx); err != nil {
		return err
	}
	if n := len(w.Keys()); n > 0 {
		return fmt.Errorf("%d files are left", n)
	}
	return nil
}
