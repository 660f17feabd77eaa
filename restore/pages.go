package restore

import "os"

// pageWriter writes pages at their place, neighbours together, and beside its
// caller: decoding takes about as long as writing. It must be closed.
type pageWriter struct {
	f       *os.File
	at      int64      // where buf goes
	buf     []byte     // of what is not yet being written
	other   []byte     // of what is, or the spare
	writing chan error // tells how that went; nil if nothing is being written
}

const writeSize = 256 << 10

func (w *pageWriter) write(at int64, page []byte) error {
	if at != w.at+int64(len(w.buf)) || len(w.buf)+len(page) > writeSize {
		if err := w.begin(); err != nil {
			return err
		}
		w.at = at
	}
	if w.buf == nil {
		w.buf = make([]byte, 0, writeSize)
	}
	w.buf = append(w.buf, page...)
	return nil
}

// begin begins to write what is gathered, when what was being written is.
func (w *pageWriter) begin() error {
	if err := w.wait(); err != nil || len(w.buf) == 0 {
		return err
	}
	w.buf, w.other = w.other[:0], w.buf
	w.writing = make(chan error, 1)
	go func(buf []byte, at int64) {
		_, err := w.f.WriteAt(buf, at)
		writeBack(w.f, at, int64(len(buf)))
		w.writing <- err
	}(w.other, w.at)
	return nil
}

func (w *pageWriter) wait() error {
	if w.writing == nil {
		return nil
	}
	err := <-w.writing
	w.writing = nil
	return err
}

// flush returns when all is written.
func (w *pageWriter) flush() error {
	if err := w.begin(); err != nil {
		return err
	}
	return w.wait()
}

// close waits for what is being written, which does not matter any more.
func (w *pageWriter) close() { _ = w.wait() }

// pageSet is a set of page numbers: a bit for each, in blocks, so that a
// number from a damaged file costs one block and not all of them.
type pageSet struct{ blocks map[uint32]*pageBlock }

const pageBlockSize = 1 << 16

type pageBlock [pageBlockSize / 64]uint64

// add reports whether the page was not in the set before.
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

// firstMissing returns the first page of 1 to commit, but for the lock page,
// that is not in the set, 0 if all are.
func (s *pageSet) firstMissing(commit, lock uint32) uint32 {
	for pgno := uint64(1); pgno <= uint64(commit); pgno++ {
		if uint32(pgno) != lock && !s.has(uint32(pgno)) {
			return uint32(pgno)
		}
	}
	return 0
}
