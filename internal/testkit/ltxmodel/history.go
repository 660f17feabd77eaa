// Package ltxmodel has the history of a small database, page by page, and the
// LTX files that a replica of it may have. It is for tests.
package ltxmodel

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/superfly/ltx"
)

// PageSize is the page size of the databases in bytes.
const PageSize = 512

// History is the content of a database after each of its transactions.
type History struct {
	// Tracked means that files contain the checksums of the database, as in
	// LiteFS. Litestream's do not.
	Tracked bool

	states  [][][]byte             // by transaction, from 0, and page, from 0
	changed []map[uint32]struct{}  // by transaction: page numbers
	times   map[ltx.TXID]time.Time // what SetTime has set
	files   sync.Map               // edition to its bytes: to encode one takes long
}

// New returns a history of n transactions. They change, add and remove pages at
// random, which depends only on the seed. The first one creates the database.
func New(seed uint64, n int) *History {
	random := rand.New(rand.NewPCG(seed, 0))
	h := &History{states: [][][]byte{nil}, changed: []map[uint32]struct{}{nil}, times: make(map[ltx.TXID]time.Time)}
	for range n {
		before := h.states[len(h.states)-1]
		state := append([][]byte(nil), before...)
		size := len(before)
		switch random.IntN(4) {
		case 0:
			size += 1 + random.IntN(3)
		case 1:
			size -= random.IntN(3)
		}
		size = max(size, 2)
		changed := make(map[uint32]struct{})
		set := func(i int) {
			page := make([]byte, PageSize)
			for j := range page {
				page[j] = byte(random.Uint32())
			}
			state[i] = page
			changed[uint32(i+1)] = struct{}{}
		}
		for len(state) < size {
			state = append(state, nil)
			set(len(state) - 1)
		}
		state = state[:size:size]
		for range 1 + random.IntN(3) {
			set(random.IntN(size))
		}
		h.states, h.changed = append(h.states, state), append(h.changed, changed)
	}
	return h
}

// Transactions returns the number of transactions.
func (h *History) Transactions() ltx.TXID { return ltx.TXID(len(h.states) - 1) }

// Time returns a transaction's time: that of SetTime, or a second after the
// previous one.
func (h *History) Time(txid ltx.TXID) time.Time {
	if t, ok := h.times[txid]; ok {
		return t
	}
	return time.Date(2024, 1, 2, 3, 4, 5, 0, time.UTC).Add(time.Duration(txid) * time.Second)
}

// SetTime sets a transaction's time, which may be before that of an earlier
// one.
func (h *History) SetTime(txid ltx.TXID, t time.Time) { h.times[txid] = t }

// Database returns the database after a transaction.
func (h *History) Database(txid ltx.TXID) []byte { return bytes.Join(h.states[txid], nil) }

// Checksum returns the database's rolling checksum after a transaction.
func (h *History) Checksum(txid ltx.TXID) ltx.Checksum {
	sum := ltx.ChecksumFlag
	for i, page := range h.states[txid] {
		sum = ltx.ChecksumFlag | (sum ^ ltx.ChecksumPage(uint32(i+1), page))
	}
	return sum
}

// edition is one version of a file.
type edition struct {
	min, max  ltx.TXID
	timestamp int64
	tracked   bool
}

// File returns the LTX file of transactions minTXID to maxTXID. If minTXID is
// 1, it is a snapshot. File panics if the history does not have these
// transactions.
func (h *History) File(minTXID, maxTXID ltx.TXID) []byte {
	ed := edition{minTXID, maxTXID, h.Time(maxTXID).UnixMilli(), h.Tracked}
	body, ok := h.files.Load(ed)
	if !ok {
		body, _ = h.files.LoadOrStore(ed, h.encode(minTXID, maxTXID))
	}
	return bytes.Clone(body.([]byte))
}

func (h *History) encode(minTXID, maxTXID ltx.TXID) []byte {
	var buf bytes.Buffer
	state := h.states[maxTXID]
	hdr := ltx.Header{
		Version: ltx.Version, PageSize: PageSize, Commit: uint32(len(state)),
		MinTXID: minTXID, MaxTXID: maxTXID, Timestamp: h.Time(maxTXID).UnixMilli(),
	}
	if !h.Tracked {
		hdr.Flags = ltx.HeaderFlagNoChecksum
	} else if minTXID > 1 {
		hdr.PreApplyChecksum = h.Checksum(minTXID - 1)
	}
	enc, err := ltx.NewEncoder(&buf)
	must(err)
	must(enc.EncodeHeader(hdr))
	for i, page := range state {
		if pgno := uint32(i + 1); minTXID == 1 || h.changedIn(pgno, minTXID, maxTXID) {
			must(enc.EncodePage(ltx.PageHeader{Pgno: pgno}, page))
		}
	}
	if h.Tracked {
		enc.SetPostApplyChecksum(h.Checksum(maxTXID))
	}
	must(enc.Close())
	return buf.Bytes()
}

func (h *History) changedIn(pgno uint32, minTXID, maxTXID ltx.TXID) bool {
	for txid := minTXID; txid <= maxTXID; txid++ {
		if _, ok := h.changed[txid][pgno]; ok {
			return true
		}
	}
	return false
}

func must(err error) {
	if err != nil {
		panic(fmt.Errorf("ltxmodel: %w", err))
	}
}
