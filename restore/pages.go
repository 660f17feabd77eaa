package restore

import "os"

// pageWriter writes pages to their places, and tells the system to start writing them
// to the disk, adjacent pages together.
type pageWriter struct {
	f         *os.File
	writeBack func(f *os.File, at, n int64)
	from, to  int64 // the range not yet being written to the disk
}

func newPageWriter(f *os.File) *pageWriter { return &pageWriter{f: f, writeBack: writeBack} }

const writeBackSize = 4 << 20

func (w *pageWriter) write(at int64, pages []byte) error {
	_, err := w.f.WriteAt(pages, at)
	if at != w.to || w.to-w.from >= writeBackSize {
		w.writeBack(w.f, w.from, w.to-w.from)
		w.from = at
	}
	w.to = at + int64(len(pages))
	return err
}

// pageSet is a set of page numbers, with a bit for each. It consists of blocks, so
// that a wrong number from a damaged file costs only one block of memory.
type pageSet struct{ blocks map[uint32]*pageBlock }

const pageBlockSize = 1 << 16

type pageBlock [pageBlockSize / 64]uint64

// add adds a page, and reports whether it was not in the set before.
func (s *pageSet) add(pgno uint32) bool {
	block := s.blocks[pgno/pageBlockSize]
	if block == nil {
		if s.blocks == nil {
			s.blocks = make(map[uint32]*pageBlock)
		}
		block = new(pageBlock)
		s.blocks[pgno/pageBlockSize] = block
	}
	word, bit := &block[pgno%pageBlockSize/64], uint64(1)<<(pgno%64)
	if *word&bit != 0 {
		return false
	}
	*word |= bit
	return true
}

func (s *pageSet) has(pgno uint32) bool {
	block := s.blocks[pgno/pageBlockSize]
	return block != nil && block[pgno%pageBlockSize/64]&(1<<(pgno%64)) != 0
}

// firstMissing returns the first page from 1 to commit, except the lock page, that is
// not in the set, or 0 if all are.
func (s *pageSet) firstMissing(commit, lock uint32) uint32 {
	for pgno := uint64(1); pgno <= uint64(commit); pgno++ {
		if uint32(pgno) != lock && !s.has(uint32(pgno)) {
			return uint32(pgno)
		}
	}
	return 0
}
