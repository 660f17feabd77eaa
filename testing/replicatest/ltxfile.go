package replicatest

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/superfly/ltx"
)

// pageSize is the page size of the suite's LTX files.
const pageSize = 4096

// NewLTXFile returns a real LTX file, written by the ltx encoder: header, pages,
// page index and trailer. The same arguments give the same bytes. A file with
// minTXID 1 is a snapshot. pages is the number of 4 KiB pages, 1 or more; their
// content does not compress, so that the file is about that large. createdAt is
// truncated to the millisecond. NewLTXFile panics if minTXID is 0 or above
// maxTXID.
func NewLTXFile(minTXID, maxTXID ltx.TXID, createdAt time.Time, pages int) []byte {
	var buf bytes.Buffer
	enc, err := ltx.NewEncoder(&buf)
	if err != nil {
		panic(err)
	}
	hdr := ltx.Header{
		Version:   ltx.Version,
		Flags:     ltx.HeaderFlagNoChecksum,
		PageSize:  pageSize,
		Commit:    uint32(pages),
		MinTXID:   minTXID,
		MaxTXID:   maxTXID,
		Timestamp: createdAt.UnixMilli(),
	}
	if err := enc.EncodeHeader(hdr); err != nil {
		panic(fmt.Errorf("ltx header: %w", err))
	}
	page := make([]byte, pageSize)
	random := newRandom(uint64(minTXID)<<32 ^ uint64(maxTXID) ^ uint64(createdAt.UnixMilli()))
	for pgno := range uint32(pages) {
		_, _ = random.Read(page)
		if err := enc.EncodePage(ltx.PageHeader{Pgno: pgno + 1}, page); err != nil {
			panic(fmt.Errorf("ltx page: %w", err))
		}
	}
	if err := enc.Close(); err != nil {
		panic(fmt.Errorf("ltx trailer: %w", err))
	}
	return buf.Bytes()
}

// plain returns size bytes that are not an LTX file. They depend only on seed.
func plain(seed uint64, size int) []byte {
	b := make([]byte, size)
	_, _ = newRandom(seed).Read(b)
	b[0] = 'x' // never the magic
	return b
}

// plainBody returns plain bytes of a fraction of Config.BodySize.
func (e *env) plainBody(seed uint64, part int64) []byte { return plain(seed, int(e.BodySize/part)) }

// ltxBody returns an LTX file of about that fraction of Config.BodySize, and of at
// least a few pages.
func (e *env) ltxBody(f file, createdAt time.Time, part int64) []byte {
	return e.ltxFile(f.min, f.max, createdAt, int(max(e.BodySize/part/pageSize, 5)))
}

// ltxFile is NewLTXFile. All cases share the result.
func (e *env) ltxFile(minTXID, maxTXID ltx.TXID, createdAt time.Time, pages int) []byte {
	return e.files.get(edition{minTXID, maxTXID, createdAt.UnixMilli(), pages})
}

// library caches the LTX files of a run: making one takes longer than writing it,
// and cases write the same ones.
type library struct{ files sync.Map }

type edition struct {
	min, max  ltx.TXID
	createdAt int64
	pages     int
}

func (l *library) get(ed edition) []byte {
	if b, ok := l.files.Load(ed); ok {
		return b.([]byte)
	}
	b := NewLTXFile(ed.min, ed.max, time.UnixMilli(ed.createdAt), ed.pages)
	l.files.Store(ed, b)
	return b
}

// newRandom returns an endless, repeatable, fast source.
func newRandom(seed uint64) *rand.ChaCha8 {
	var key [32]byte
	for i := range 8 {
		key[i] = byte(seed >> (8 * i))
	}
	return rand.NewChaCha8(key)
}
