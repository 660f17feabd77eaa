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

// ErrStopIter is returned by the filter of FindLTXFiles to end the search.
// FindLTXFiles does not return it.
var ErrStopIter = errors.New("stop iterator")

// FindLTXFiles returns the files of a level for which filter returns true, in
// the order of LTXFiles. filter is called once for each file, in that order.
// If it returns ErrStopIter, the search ends, and the current file is
// included if filter also returned true. Any other error of filter, and any
// error of the listing, is returned without files, so that a partial listing
// cannot pass for a whole one. useMetadata and the cost in requests are those
// of LTXFiles. A nil client or filter is fs.ErrInvalid.
func FindLTXFiles(ctx context.Context, client ReplicaClient, level int, useMetadata bool, filter func(*ltx.FileInfo) (bool, error)) (found []*ltx.FileInfo, err error) {
	if err := checkClient(client, "list"); err != nil {
		return nil, err
	}
	if filter == nil {
		return nil, invalid(client.Type(), "list", "filter", nil, "want a function that selects files")
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

// FetchLTXHeader reads the LTX header of a file, with one request for 100
// bytes. It uses only the Level, MinTXID and MaxTXID of info. A file that
// does not start with a valid header, or whose header has other TXIDs, is
// ErrChecksum; a missing file is fs.ErrNotExist. A nil client or info is
// fs.ErrInvalid.
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
	// indexGuess is the number of bytes at the end of a file that FetchPageIndex
	// reads first. The index of about 5,000 pages fits.
	indexGuess = 32 << 10

	// indexFooter is the length of the footer of a page index: the size of
	// the index in bytes, big-endian.
	indexFooter = 8

	// maxFrame is the maximum size of a page's frame: the largest page,
	// incompressible, in the older LZ4 framing, which has headers of its own.
	maxFrame = ltx.PageHeaderSize + ltx.MaxPageSize + ltx.MaxPageSize/255 + 64
)

// FetchPageIndex reads the page index of a file, which maps each page number
// to the range of the page's frame, for FetchPage. It costs one request, or
// two if the index is longer than 32 KiB. info.Size must be the size of the
// file, as LTXFiles returns it. The memory needed is that of the index.
//
// An index that contradicts itself or the size of the file is ErrChecksum.
// FetchPageIndex checks the ranges, FetchPage the pages. A nil client or info
// is fs.ErrInvalid.
func FetchPageIndex(ctx context.Context, client ReplicaClient, info *ltx.FileInfo) (map[uint32]ltx.PageIndexElem, error) {
	if err := checkInfo(client, info); err != nil {
		return nil, err
	}
	const tail = indexFooter + ltx.TrailerSize
	if info.Size < ltx.HeaderSize+tail {
		return nil, corrupt(client, info, fmt.Errorf("%d bytes are too few for an LTX file", info.Size))
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
			return nil, corrupt(client, info, fmt.Errorf("page index has page %d at %d with %d bytes", pgno, page.Offset, page.Size))
		}
	}
	return pages, nil
}

// FetchPage reads and decodes one page, with one request. offset and size, in
// bytes, are the range of a frame as FetchPageIndex returns it; an impossible
// range is fs.ErrInvalid, and so is a nil client. A frame that is cut off,
// has another length or does not decode to a page of a legal size is
// ErrChecksum.
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

// decodePage decodes the frame b. It makes the checks that ltx.DecodePageData
// leaves to its caller.
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
			return hdr, nil, fmt.Errorf("frame states a size of %d, but has %d bytes of data", n, len(b)-prefix)
		}
	} else if ltxio.LZ4Exceeds(b[ltx.PageHeaderSize:], ltx.MaxPageSize) {
		return hdr, nil, fmt.Errorf("frame does not decode to %d bytes or fewer", ltx.MaxPageSize)
	}
	if hdr, data, err = ltx.DecodePageData(b); err != nil {
		return hdr, nil, err
	}
	if !ltx.IsValidPageSize(uint32(len(data))) {
		return hdr, nil, fmt.Errorf("%d is not the size of a page", len(data))
	}
	return hdr, data, nil
}

// readRange reads exactly size bytes; a file that ends earlier is
// ErrChecksum.
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

// checkClient returns an error if client is nil.
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
		return invalid(client.Type(), "open", "info", nil, "want a file")
	}
	return nil
}

func corrupt(client ReplicaClient, info *ltx.FileInfo, err error) error {
	return &Error{Op: "read", Backend: client.Type(), Key: ltxio.Name(info.Level, info.MinTXID, info.MaxTXID), Kind: ErrChecksum, Err: err}
}

// errorKeeper remembers the error of a read, so that a transfer that fails is
// not mistaken for a corrupt index.
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
