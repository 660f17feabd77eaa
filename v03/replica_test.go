package v03_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/pierrec/lz4/v4"
	"github.com/stretchr/testify/require"

	"github.com/ltxstore/ltxstore/mock"
)

const (
	generation = "0123456789abcdef"
	path       = "backups/db"
)

// replica is one of v0.3 in memory, with a model of the database.
type replica struct {
	t          *testing.T
	rng        *rand.Rand
	store      *mock.Store
	generation string
	pageSize   int
	big        bool // checksums are big-endian
	dense      bool // every page by which the database grows is written, as it mostly is

	now   time.Time
	index int
	wal   []byte // of the WAL file, as far as it is stored
	next  []byte // of the WAL file, not yet stored
	salt  uint64
	sum   [2]uint32

	db    []byte  // the database's pages, as a reader sees them
	disk  []byte  // as restoring up to now makes it
	state []state // after each segment
}

// state is what restoring to a moment gives.
type state struct {
	at     time.Time
	index  int
	offset int64 // of the segment
	db     []byte
}

func newReplica(t *testing.T, seed uint64, pageSize int) *replica {
	r := &replica{t: t, rng: rand.New(rand.NewPCG(seed, 1)), store: mock.NewStore(), generation: generation,
		pageSize: pageSize, big: seed%2 == 1, now: time.Date(2023, 1, 2, 3, 4, 5, 0, time.UTC)}
	r.db = make([]byte, pageSize*3)
	r.fill(r.db)
	r.disk = bytes.Clone(r.db)
	r.restart()
	return r
}

func (r *replica) client() *mock.ReplicaClient {
	c := mock.NewReplicaClient(mock.Config{Store: r.store, Path: path})
	c.SetLogger(nil)
	return c
}

// fill makes b random pages, and the first a database's.
func (r *replica) fill(b []byte) {
	for i := range b {
		b[i] = byte(r.rng.Uint32() >> 24 & 3)
	}
	r.head(b)
}

func (r *replica) head(page []byte) {
	copy(page, "SQLite format 3\x00")
	size := r.pageSize
	if size == 65536 {
		size = 1
	}
	binary.BigEndian.PutUint16(page[16:], uint16(size))
}

// restart begins the next WAL file's header.
func (r *replica) restart() {
	r.salt = r.rng.Uint64()
	h := binary.BigEndian.AppendUint32(nil, 0x377f0682)
	if r.big {
		h[3] |= 1
	}
	h = binary.BigEndian.AppendUint32(h, 3007000)
	h = binary.BigEndian.AppendUint32(h, uint32(r.pageSize))
	h = binary.BigEndian.AppendUint32(h, uint32(r.index))
	h = binary.BigEndian.AppendUint64(h, r.salt)
	r.sum = [2]uint32{}
	r.add(h)
	h = binary.BigEndian.AppendUint32(h, r.sum[0])
	h = binary.BigEndian.AppendUint32(h, r.sum[1])
	r.wal, r.next = nil, h
}

func (r *replica) add(b []byte) {
	var order binary.ByteOrder = binary.LittleEndian
	if r.big {
		order = binary.BigEndian
	}
	for ; len(b) > 0; b = b[8:] {
		r.sum[0] += order.Uint32(b) + r.sum[1]
		r.sum[1] += order.Uint32(b[4:]) + r.sum[0]
	}
}

// frame appends a frame to the WAL.
func (r *replica) frame(pgno, commit uint32, page []byte) {
	f := binary.BigEndian.AppendUint32(nil, pgno)
	f = binary.BigEndian.AppendUint32(f, commit)
	r.add(f)
	r.add(page)
	f = binary.BigEndian.AppendUint64(f, r.salt)
	f = binary.BigEndian.AppendUint32(f, r.sum[0])
	f = binary.BigEndian.AppendUint32(f, r.sum[1])
	r.next = append(append(r.next, f...), page...)
}

// transaction writes a few pages; the database then has commit pages.
func (r *replica) transaction(commit int, pgnos ...int) {
	r.t.Helper()
	for i, pgno := range pgnos {
		page := make([]byte, r.pageSize)
		r.fill(page)
		if pgno != 1 {
			copy(page, make([]byte, 20))
		}
		if need := pgno * r.pageSize; len(r.disk) < need {
			r.disk = append(r.disk, make([]byte, need-len(r.disk))...)
		}
		copy(r.disk[(pgno-1)*r.pageSize:], page)
		last := uint32(0)
		if i == len(pgnos)-1 {
			last = uint32(commit)
		}
		r.frame(uint32(pgno), last, page)
	}
	r.db = r.cut(commit)
}

// cut returns the file as a checkpoint leaves it now.
func (r *replica) cut(pages int) []byte {
	size := pages * r.pageSize
	b := make([]byte, size)
	copy(b, r.disk)
	return b
}

// random writes a transaction, growing and shrinking at times.
func (r *replica) random() {
	pages := len(r.db) / r.pageSize
	commit := pages
	switch r.rng.IntN(6) {
	case 0:
		commit += 1 + r.rng.IntN(4)
	case 1:
		commit = max(1, pages-r.rng.IntN(3))
	}
	var pgnos []int
	for range 1 + r.rng.IntN(5) {
		pgnos = append(pgnos, 1+r.rng.IntN(commit))
	}
	for pgno := pages + 1; r.dense && pgno <= commit; pgno++ {
		pgnos = append(pgnos, pgno)
	}
	r.transaction(commit, pgnos...)
}

// sync stores what the WAL has got as a segment.
func (r *replica) sync() {
	r.tick()
	offset := int64(len(r.wal))
	r.put(fmt.Sprintf("wal/%08x_%08x.wal.lz4", r.index, offset), pack(r.t, r.next))
	r.wal, r.next = append(r.wal, r.next...), nil
	r.state = append(r.state, state{r.now, r.index, offset, bytes.Clone(r.db)})
}

// checkpoint ends the WAL file.
func (r *replica) checkpoint() {
	r.disk = bytes.Clone(r.db)
	r.index++
	r.restart()
}

// snapshot stores one. A clean one is of the beginning of the WAL file.
func (r *replica) snapshot() {
	r.tick()
	r.put(fmt.Sprintf("snapshots/%08x.snapshot.lz4", r.index), pack(r.t, r.db))
	r.state = append(r.state, state{r.now, r.index, -1, bytes.Clone(r.db)})
}

func (r *replica) tick() { r.now = r.now.Add(time.Second) }

func (r *replica) key(name string) string { return path + "/generations/" + r.generation + "/" + name }

func (r *replica) put(name string, body []byte) {
	r.store.Put(r.key(name), mock.Object{Body: body, ModTime: r.now})
}

// history makes a random one of a snapshot and some WAL files.
func (r *replica) history(files int) {
	r.snapshot()
	for file := range files {
		if file > 0 {
			r.checkpoint()
			if r.rng.IntN(3) == 0 {
				r.snapshot()
			}
		}
		for range 1 + r.rng.IntN(4) {
			for range 1 + r.rng.IntN(3) {
				r.random()
			}
			r.sync()
		}
	}
}

func (r *replica) last() state { return r.state[len(r.state)-1] }

func hex8(n int64) string { return fmt.Sprintf("%08x", n) }

func pack(t testing.TB, b []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	w := lz4.NewWriter(&out)
	// Litestream's blocks have 4 MiB, as interop's replicas have: for each of
	// thousands of small segments that costs more than all else.
	require.NoError(t, w.Apply(lz4.BlockSizeOption(lz4.Block64Kb)))
	_, err := w.Write(b)
	require.NoError(t, err)
	require.NoError(t, w.Close())
	return out.Bytes()
}
