package ltxstore

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore/internal/ltxio"
)

// ErrStopIter is returned by a FindLTXFiles filter to end the search. It is
// not an error of FindLTXFiles.
var ErrStopIter = errors.New("stop iterator")

// FindLTXFiles returns the files of a level for which filter is true, sorted
// as LTXFiles sorts. filter is called once for each file in order; when it
// returns ErrStopIter the search ends there, the file at hand included if
// filter is true. Any other error of filter, and any error of the listing, is
// returned, with no files: a partial listing is never taken for the whole.
// useMetadata and the cost in requests are those of LTXFiles. A client or a
// filter that is nil is fs.ErrInvalid.
func FindLTXFiles(ctx context.Context, client ReplicaClient, level int, useMetadata bool, filter func(*ltx.FileInfo) (bool, error)) (found []*ltx.FileInfo, err error) {
	if err := checkClient(client, "list"); err != nil {
		return nil, err
	}
	if filter == nil {
		return nil, invalid(client.Type(), "list", "filter", nil, "want a function that says which files are meant")
	}
	files, err := client.LTXFiles(ctx, level, 0, useMetadata)
	if err != nil {
		return nil, err
	}
	defer func() {
		if closeErr := files.Close(); err == nil && closeErr != nil {
			found, err = nil, closeErr
		}
	}()

	for files.Next() {
		item := files.Item()
		match, err := filter(item)
		if err != nil && !errors.Is(err, ErrStopIter) {
			return nil, err
		}
		if match {
			found = append(found, item)
		}
		if err != nil {
			break
		}
	}
	return found, nil
}

// FetchLTXHeader reads a file's LTX header: one request for 100 bytes. Of info
// only Level, MinTXID and MaxTXID matter. A file that does not start with a
// valid header, or whose header names other transactions, is ErrChecksum; a
// missing one fs.ErrNotExist. A client or an info that is nil is fs.ErrInvalid.
func FetchLTXHeader(ctx context.Context, client ReplicaClient, info *ltx.FileInfo) (ltx.Header, error) {
	if err := checkInfo(client, info); err != nil {
		return ltx.Header{}, err
	}
	b, err := readRange(ctx, client, info.Level, info.MinTXID, info.MaxTXID, 0, ltx.HeaderSize)
	if err != nil {
		return ltx.Header{}, err
	}
	var hdr ltx.Header
	if err := hdr.UnmarshalBinary(b); err != nil {
		return ltx.Header{}, corrupt(client, info, fmt.Errorf("header: %w", err))
	}
	if err := hdr.Validate(); err != nil {
		return ltx.Header{}, corrupt(client, info, fmt.Errorf("header: %w", err))
	}
	if hdr.MinTXID != info.MinTXID || hdr.MaxTXID != info.MaxTXID {
		return ltx.Header{}, corrupt(client, info, fmt.Errorf("header is of transactions %s to %s", hdr.MinTXID, hdr.MaxTXID))
	}
	return hdr, nil
}

const (
	// indexGuess is how much of a file's end FetchPageIndex reads first. It
	// holds the index of some 5,000 pages.
	indexGuess = 32 << 10

	// indexFooter ends the page index: its size in bytes, big-endian.
	indexFooter = 8

	// maxFrame bounds a page's frame: the largest page as LZ4 stores it when
	// it does not compress, in the older framing that has headers of its own.
	maxFrame = ltx.PageHeaderSize + ltx.MaxPageSize + ltx.MaxPageSize/255 + 64
)

// FetchPageIndex reads a file's page index, which maps a page number to the
// range of its frame, for FetchPage. It costs one request, or two where the
// index is longer than 32 KiB. info.Size must be the file's size, as LTXFiles
// gives it. Memory is that of the index.
//
// An index that contradicts itself or the file's size is ErrChecksum; it is
// checked against the file's bounds, not against the pages, which FetchPage
// does. A client or an info that is nil is fs.ErrInvalid.
func FetchPageIndex(ctx context.Context, client ReplicaClient, info *ltx.FileInfo) (map[uint32]ltx.PageIndexElem, error) {
	if err := checkInfo(client, info); err != nil {
		return nil, err
	}
	const tail = indexFooter + ltx.TrailerSize
	if info.Size < ltx.HeaderSize+tail {
		return nil, corrupt(client, info, fmt.Errorf("%d bytes are no whole LTX file", info.Size))
	}
	start := max(info.Size-indexGuess, 0)
	b, err := readRange(ctx, client, info.Level, info.MinTXID, info.MaxTXID, start, info.Size-start)
	if err != nil {
		return nil, err
	}

	end := info.Size - tail // of the index, less its footer
	size := binary.BigEndian.Uint64(b[len(b)-tail:])
	if size > uint64(end-ltx.HeaderSize) {
		return nil, corrupt(client, info, fmt.Errorf("page index of %d bytes does not fit into %d", size, info.Size))
	}
	first := end - int64(size)

	var index io.ByteReader
	if first >= start {
		index = bytes.NewReader(b[first-start:])
	} else {
		rc, err := client.OpenLTXFile(ctx, info.Level, info.MinTXID, info.MaxTXID, first, int64(size)+indexFooter)
		if err != nil {
			return nil, err
		}
		defer rc.Close()
		index = bufio.NewReaderSize(rc, indexGuess)
	}
	source := &errorKeeper{r: index}
	pages, err := ltx.DecodePageIndex(source, info.Level, info.MinTXID, info.MaxTXID)
	switch {
	case source.err != nil && source.err != io.EOF:
		return nil, source.err
	case err != nil:
		return nil, corrupt(client, info, fmt.Errorf("page index: %w", err))
	}
	for pgno, page := range pages {
		if page.Offset < ltx.HeaderSize || page.Size <= ltx.PageHeaderSize || page.Size > maxFrame || page.Offset > first-page.Size {
			return nil, corrupt(client, info, fmt.Errorf("page index has page %d at %d, %d bytes long", pgno, page.Offset, page.Size))
		}
	}
	return pages, nil
}

// FetchPage reads and decodes one page: one request. offset and size, in
// bytes, are a frame's range as FetchPageIndex gives it; an impossible range
// is fs.ErrInvalid, and so is a client that is nil. A frame that is cut off, has another length or does not
// decode to a page of a legal size is ErrChecksum.
func FetchPage(ctx context.Context, client ReplicaClient, level int, minTXID, maxTXID ltx.TXID, offset, size int64) (ltx.PageHeader, []byte, error) {
	if err := checkClient(client, "open"); err != nil {
		return ltx.PageHeader{}, nil, err
	}
	if offset < ltx.HeaderSize {
		return ltx.PageHeader{}, nil, invalid(client.Type(), "open", "offset", offset, fmt.Sprintf("want at least %d, the header's size", ltx.HeaderSize))
	}
	if size <= ltx.PageHeaderSize || size > maxFrame {
		return ltx.PageHeader{}, nil, invalid(client.Type(), "open", "size", size, fmt.Sprintf("want %d to %d bytes, a page's frame", ltx.PageHeaderSize+1, maxFrame))
	}
	b, err := readRange(ctx, client, level, minTXID, maxTXID, offset, size)
	if err != nil {
		return ltx.PageHeader{}, nil, err
	}
	hdr, data, err := decodePage(b)
	if err != nil {
		info := &ltx.FileInfo{Level: level, MinTXID: minTXID, MaxTXID: maxTXID}
		return ltx.PageHeader{}, nil, corrupt(client, info, fmt.Errorf("page at %d: %w", offset, err))
	}
	return hdr, data, nil
}

// decodePage decodes a frame that must end where b ends. The checks before
// ltx.DecodePageData are those that it leaves to its caller.
func decodePage(b []byte) (hdr ltx.PageHeader, data []byte, err error) {
	if err := hdr.UnmarshalBinary(b); err != nil {
		return hdr, nil, err
	}
	if err := hdr.Validate(); err != nil {
		return hdr, nil, err
	}
	if hdr.Flags&ltx.PageHeaderFlagSize != 0 {
		const prefix = ltx.PageHeaderSize + 4
		if len(b) < prefix {
			return hdr, nil, io.ErrUnexpectedEOF
		}
		if n := binary.BigEndian.Uint32(b[ltx.PageHeaderSize:]); uint64(n) != uint64(len(b)-prefix) {
			return hdr, nil, fmt.Errorf("frame says %d bytes of data and has %d", n, len(b)-prefix)
		}
	} else if ltxio.LZ4Exceeds(b[ltx.PageHeaderSize:], ltx.MaxPageSize) {
		return hdr, nil, fmt.Errorf("frame does not decode to %d bytes or fewer", ltx.MaxPageSize)
	}
	if hdr, data, err = ltx.DecodePageData(b); err != nil {
		return hdr, nil, err
	}
	if !ltx.IsValidPageSize(uint32(len(data))) {
		return hdr, nil, fmt.Errorf("%d bytes are no page", len(data))
	}
	return hdr, data, nil
}

// readRange reads size bytes, which must be there.
func readRange(ctx context.Context, client ReplicaClient, level int, minTXID, maxTXID ltx.TXID, offset, size int64) ([]byte, error) {
	rc, err := client.OpenLTXFile(ctx, level, minTXID, maxTXID, offset, size)
	if err != nil {
		return nil, err
	}
	defer rc.Close()

	b := make([]byte, size)
	switch n, err := io.ReadFull(rc, b); {
	case err == io.EOF, err == io.ErrUnexpectedEOF:
		info := &ltx.FileInfo{Level: level, MinTXID: minTXID, MaxTXID: maxTXID}
		return nil, corrupt(client, info, fmt.Errorf("file ends at %d: want %d bytes from %d", offset+int64(n), size, offset))
	case err != nil:
		return nil, err
	}
	return b, nil
}

// checkClient refuses a client that is nil.
func checkClient(client ReplicaClient, op string) error {
	if client == nil {
		return invalid("ltxstore", op, "client", nil, "want a ReplicaClient")
	}
	return nil
}

func checkInfo(client ReplicaClient, info *ltx.FileInfo) error {
	if err := checkClient(client, "open"); err != nil {
		return err
	}
	if info == nil {
		return invalid(client.Type(), "open", "info", nil, "want the file that is meant")
	}
	return nil
}

func corrupt(client ReplicaClient, info *ltx.FileInfo, err error) error {
	return &Error{Op: "read", Backend: client.Type(), Key: ltxio.Name(info.Level, info.MinTXID, info.MaxTXID), Kind: ErrChecksum, Err: err}
}

// errorKeeper remembers why a byte could not be read, so that a failing
// transfer is not taken for a corrupt index.
type errorKeeper struct {
	r   io.ByteReader
	err error
}

func (k *errorKeeper) ReadByte() (byte, error) {
	b, err := k.r.ReadByte()
	if err != nil {
		k.err = err
	}
	return b, err
}
