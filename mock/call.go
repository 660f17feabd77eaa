package mock

import (
	"io"
	"slices"
	"sync"

	"github.com/superfly/ltx"
)

// A Call is one call of a method. Calls of Type are not logged.
type Call struct {
	// Op is one of OpInit, OpList, OpOpen, OpWrite, OpDelete, OpDeleteAll and
	// OpClose.
	Op Op

	// The arguments of the method. If it has no such argument, Level is -1 and
	// the other fields are zero. Files has a copy of each entry in the order of
	// the argument; a nil entry becomes a zero value.
	Level            int
	MinTXID, MaxTXID ltx.TXID
	Seek             ltx.TXID
	UseMetadata      bool
	Offset, Size     int64
	Files            []ltx.FileInfo

	// Done is true once the method has returned.
	Done bool

	// Bytes is the number of bytes that WriteLTXFile read from its reader, set
	// when it returns (for WriteLTXFileFunc: the size it returned), or the number
	// of bytes read so far from the reader that OpenLTXFile returned.
	Bytes int64

	// Items is the number of files that the iterator returned by LTXFiles has
	// yielded so far.
	Items int

	// Err is the error that the method returned, or else the first failure of
	// the reader or iterator that it returned.
	Err error
}

// callLog keeps every call until reset.
type callLog struct {
	mu      sync.Mutex
	records []*record
}

// record is a call in the log, updated as it proceeds.
type record struct {
	log  *callLog
	call Call
}

func (l *callLog) begin(call Call) *record {
	rec := &record{log: l, call: call}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.records = append(l.records, rec)
	return rec
}

// Calls returns the calls of the given operations so far, or of all operations
// if none is given, in the order in which they began. Calls in progress are
// included.
func (l *callLog) Calls(ops ...Op) []Call {
	l.mu.Lock()
	defer l.mu.Unlock()
	calls := []Call{}
	for _, rec := range l.records {
		if len(ops) == 0 || slices.Contains(ops, rec.call.Op) {
			call := rec.call
			call.Files = slices.Clone(call.Files)
			calls = append(calls, call)
		}
	}
	return calls
}

// ResetCalls forgets the calls so far.
func (l *callLog) ResetCalls() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.records = nil
}

// end records the method's return. It returns err.
func (r *record) end(n int64, err error) error {
	r.log.mu.Lock()
	defer r.log.mu.Unlock()
	r.call.Done, r.call.Bytes, r.call.Err = true, n, err
	return err
}

// add records what a reader or an iterator did after its method's return.
func (r *record) add(bytes, items int, err error) {
	r.log.mu.Lock()
	defer r.log.mu.Unlock()
	r.call.Bytes += int64(bytes)
	r.call.Items += items
	if r.call.Err == nil && err != io.EOF {
		r.call.Err = err
	}
}

type recordedReader struct {
	rc  io.ReadCloser
	rec *record
}

func (r *recordedReader) Read(p []byte) (int, error) {
	n, err := r.rc.Read(p)
	r.rec.add(n, 0, err)
	return n, err
}

func (r *recordedReader) Close() error {
	err := r.rc.Close()
	r.rec.add(0, 0, err)
	return err
}

type recordedIterator struct {
	ltx.FileIterator
	rec *record
}

func (it *recordedIterator) Next() bool {
	if it.FileIterator.Next() {
		it.rec.add(0, 1, nil)
		return true
	}
	it.rec.add(0, 0, it.Err())
	return false
}

func (it *recordedIterator) Close() error {
	err := it.FileIterator.Close()
	it.rec.add(0, 0, err)
	return err
}

func copyFiles(files []*ltx.FileInfo) []ltx.FileInfo {
	copies := make([]ltx.FileInfo, len(files))
	for i, info := range files {
		if info != nil {
			copies[i] = *info
		}
	}
	return copies
}
