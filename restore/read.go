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

// goneError is a planned file that is not there any more.
type goneError struct{ error }

func (e *goneError) Unwrap() error { return e.error }

// vanishing is the error of files that are gone in every plan. It does not match
// fs.ErrNotExist, which a caller would take for an empty replica.
func vanishing(client ltxstore.ReplicaClient, about string, err error) error {
	return failed(client, about, fmt.Errorf("files are deleted as fast as they are planned: %w: %v", ltxstore.ErrUnavailable, err))
}

// readFiles calls apply with each file of the plan, the newest first. With
// SkipDamaged it goes on behind a damaged file, to find all that are: else each
// would cost a plan.
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

// readSize is the buffer of the file that is being read.
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

// ahead opens files in order, some before they are read. What a small file costs is a
// round trip: more of these are open at once, and each is read whole as soon as it is, so
// that its connection serves another.
type ahead struct {
	ctx    context.Context
	cancel context.CancelFunc
	client ltxstore.ReplicaClient
	files  []*ltx.FileInfo // not yet opened
	ready  []*opening      // in the order of the files
	all    int             // files in ready at most
	most   int             // large ones at most
	large  int
}

// opening is a file that is being opened.
type opening struct {
	info *ltx.FileInfo
	done chan opened
}

const (
	smallSize    = 64 << 10
	smallAtATime = 4 // for each large file that may be open, if several may
)

type opened struct {
	rc    io.ReadCloser
	err   error
	lease *time.Timer // of a large file: closes it
}

// leaseTime is how long a large file stays open before it is read. Its connection may be the
// one that the file before it waits for; it is then opened again.
const leaseTime = 2 * time.Second

func newAhead(ctx context.Context, client ltxstore.ReplicaClient, files []*ltx.FileInfo, limit int) *ahead {
	a := &ahead{client: client, files: files, all: limit, most: limit}
	if limit > 1 {
		a.all *= smallAtATime
	}
	a.ctx, a.cancel = context.WithCancel(ctx)
	return a
}

// next returns the next file, which the caller closes before it asks again.
func (a *ahead) next() opened {
	for len(a.files) > 0 && len(a.ready) < a.all {
		o := &opening{a.files[0], make(chan opened, 1)}
		small := o.info.Size <= smallSize
		if !small {
			if a.large == a.most {
				break
			}
			a.large++
		}
		a.files, a.ready = a.files[1:], append(a.ready, o)
		go func() { o.done <- a.open(o.info, small) }()
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

// open opens a file. A small one is read, up to its size as it was listed.
func (a *ahead) open(info *ltx.FileInfo, small bool) opened {
	rc, err := a.whole(info)
	switch {
	case err != nil:
		return opened{err: err}
	case !small:
		return opened{rc: rc, lease: time.AfterFunc(leaseTime, func() { rc.Close() })}
	}
	var content bytes.Buffer
	switch _, err := io.CopyN(&content, rc, smallSize); {
	case err == io.EOF:
		_ = rc.Close() // all of it has come
		return opened{rc: io.NopCloser(&content)}
	case err != nil:
		_ = rc.Close() // its failure is told
		return opened{err: err}
	}
	return opened{rc: &joined{io.MultiReader(&content, rc), rc}}
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

// close closes the files that were opened and not read, and waits for those
// that are being opened.
func (a *ahead) close() {
	a.cancel()
	for _, o := range a.ready {
		if file := <-o.done; file.err == nil && (file.lease == nil || file.lease.Stop()) {
			file.rc.Close()
		}
	}
}

// meter counts what is read.
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
