package restore

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"time"

	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/internal/flow"
	"github.com/ltxstore/ltxstore/internal/ltxio"
)

// goneError is the error of a planned file that was deleted.
type goneError struct{ error }

func (e *goneError) Unwrap() error { return e.error }

// vanishing returns the error if files of every plan were deleted. It does not match
// fs.ErrNotExist, which a caller would mistake for an empty replica.
func vanishing(client ltxstore.ReplicaClient, about string, err error) error {
	return failed(client, about, fmt.Errorf("files are deleted as fast as they are planned: %w: %v", ltxstore.ErrUnavailable, err))
}

// readFiles calls apply with each file of the plan, the newest first. With
// SkipDamaged it continues after a damaged file, to find all of them in one attempt.
func readFiles(ctx context.Context, client ltxstore.ReplicaClient, plan *Plan, cfg Config, apply func(*ltx.FileInfo, io.Reader) error) error {
	files := slices.Clone(plan.Files)
	slices.Reverse(files)
	ahead := newAhead(ctx, client, files, cmp.Or(cfg.Concurrency, defaultConcurrency))
	defer ahead.close()

	meter := &meter{report: cfg.Progress, Progress: Progress{TotalFiles: len(files), TotalBytes: plan.Size()}}
	meter.tell()
	buf := bufio.NewReaderSize(nil, readSize)
	var damaged *damagedError
	for _, info := range files {
		err := readFile(ctx, ahead.next(), info, meter, buf, apply)
		if err == nil {
			continue
		}
		conflict := new(conflictError)
		isDamaged := errors.Is(err, ltxstore.ErrChecksum) && !errors.As(err, &conflict)
		if errors.Is(err, fs.ErrNotExist) {
			err = &goneError{err}
		}
		err = failed(client, ltxio.Name(info.Level, info.MinTXID, info.MaxTXID), err)
		switch {
		case isDamaged && damaged == nil:
			damaged, apply = &damagedError{error: err}, sound
			fallthrough
		case isDamaged:
			damaged.files = append(damaged.files, damagedFile{info, err})
			if !cfg.SkipDamaged {
				return damaged
			}
		case damaged == nil || ctx.Err() != nil:
			return err
		default:
			return damaged
		}
	}
	if damaged != nil {
		return damaged
	}
	return nil
}

// readSize is the size of the buffer for reading a file.
const readSize = 128 << 10

func readFile(ctx context.Context, file opened, info *ltx.FileInfo, meter *meter, buf *bufio.Reader, apply func(*ltx.FileInfo, io.Reader) error) error {
	if file.err != nil {
		return file.err
	}
	defer file.rc.Close()
	meter.r = file.rc
	buf.Reset(&flow.Reader{Ctx: ctx, R: meter})
	if err := apply(info, buf); err != nil {
		return err
	}
	meter.Files++
	meter.tell()
	return nil
}

// ahead opens files in order, some in advance. The cost of a small file is the round
// trip: more of them are opened at a time, and each is read completely as soon as it is
// open, so that its connection can be used for another. The first large one is opened and
// its start is read at the same time as the small ones before it: a client that reads
// ranges of it receives them meanwhile.
type ahead struct {
	ctx    context.Context
	cancel context.CancelFunc
	client ltxstore.ReplicaClient
	files  []*ltx.FileInfo // not yet opened
	ready  []*opening      // in the order of the files
	early  *opening        // of the first large file, until it is in ready
	all    int             // maximum number of files in ready
	most   int             // maximum number of large ones
	large  int
}

// opening is a file that is being opened.
type opening struct {
	info *ltx.FileInfo
	done chan opened
}

const (
	smallSize    = 64 << 10
	smallAtATime = 4 // for each large file that may be open, if there may be several

	// earlySize is how much of the first large file is read. A client that reads ranges
	// has requested some by then.
	earlySize = 512 << 10

	// earlyFiles limits the small files before it, so that it does not stay open for long.
	earlyFiles = 8 // for each that may be open
)

type opened struct {
	rc    io.ReadCloser
	err   error
	lease *time.Timer // of a large file: closes it
}

// leaseTime is how long a large file stays open before it is read. An earlier file may
// be waiting for its connection; the large file is then opened again.
const leaseTime = 2 * time.Second

func newAhead(ctx context.Context, client ltxstore.ReplicaClient, files []*ltx.FileInfo, limit int) *ahead {
	a := &ahead{client: client, files: files, all: limit, most: limit}
	if limit > 1 {
		a.all *= smallAtATime
	}
	a.ctx, a.cancel = context.WithCancel(ctx)
	first := slices.IndexFunc(files, func(info *ltx.FileInfo) bool { return info.Size > smallSize })
	if first > 0 && first <= earlyFiles*a.all && limit > 1 {
		a.early = a.start(files[first], earlySize)
		a.large++
	}
	return a
}

// start opens a file in another goroutine, and reads up to n bytes of it.
func (a *ahead) start(info *ltx.FileInfo, n int64) *opening {
	o := &opening{info, make(chan opened, 1)}
	go func() { o.done <- a.open(info, n) }()
	return o
}

// next returns the next file, which the caller must close before the next call.
func (a *ahead) next() opened {
	for len(a.files) > 0 && len(a.ready) < a.all {
		var o *opening
		switch info := a.files[0]; {
		case info.Size <= smallSize:
			o = a.start(info, smallSize)
		case a.early != nil:
			o, a.early = a.early, nil
		case a.large < a.most:
			o = a.start(info, 0)
			a.large++
		}
		if o == nil {
			break
		}
		a.files, a.ready = a.files[1:], append(a.ready, o)
	}
	o := a.ready[0]
	file := <-o.done
	a.ready = a.ready[1:]
	if o.info.Size > smallSize {
		a.large--
	}
	if file.lease != nil && !file.lease.Stop() {
		a.most = 1
		file.rc, file.err = a.whole(o.info)
	}
	return file
}

// open opens a file, and reads up to n bytes of it.
func (a *ahead) open(info *ltx.FileInfo, n int64) opened {
	rc, err := a.whole(info)
	if err != nil {
		return opened{err: err}
	}
	var start bytes.Buffer
	switch _, err := io.CopyN(&start, rc, n); {
	case err == io.EOF:
		_ = rc.Close() // it was read completely
		return opened{rc: io.NopCloser(&start)}
	case err != nil:
		_ = rc.Close() // its error is returned
		return opened{err: err}
	}
	file := opened{rc: &joined{io.MultiReader(&start, rc), rc}}
	if info.Size > smallSize {
		file.lease = time.AfterFunc(leaseTime, func() { rc.Close() })
	}
	return file
}

// whole opens a whole file.
func (a *ahead) whole(info *ltx.FileInfo) (io.ReadCloser, error) {
	return a.client.OpenLTXFile(a.ctx, info.Level, info.MinTXID, info.MaxTXID, 0, 0)
}

// joined is a reader that is closed elsewhere.
type joined struct {
	io.Reader
	io.Closer
}

// close closes the files that were opened but not read, and waits for those that are
// being opened.
func (a *ahead) close() {
	a.cancel()
	if a.early != nil {
		a.ready = append(a.ready, a.early)
	}
	for _, o := range a.ready {
		if file := <-o.done; file.err == nil && (file.lease == nil || file.lease.Stop()) {
			file.rc.Close()
		}
	}
}

// meter counts the bytes that are read.
type meter struct {
	Progress
	report func(Progress)
	r      io.Reader
	told   int64
}

const meterStep = 1 << 20

func (m *meter) Read(p []byte) (int, error) {
	n, err := m.r.Read(p)
	if m.Bytes += int64(n); m.Bytes-m.told >= meterStep {
		m.tell()
	}
	return n, err
}

func (m *meter) tell() {
	m.told = m.Bytes
	if m.report != nil {
		m.report(m.Progress)
	}
}
