package v03

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"

	"github.com/ltxstore/ltxstore"
)

// VerifyConfig is the configuration of Verify.
type VerifyConfig struct {
	// Generation is the generation to verify. Empty means all.
	Generation string

	// Concurrency is the number of files that are open at a time. 0 means 16.
	Concurrency int

	// Progress, if not nil, is called after each file.
	Progress func(Progress)
}

// Report is the result of Verify.
type Report struct {
	Files int   `json:"files"` // read to their end
	Bytes int64 `json:"bytes"` // of them, as stored

	// Damaged are the damaged or missing files, by generation: snapshots first, then
	// segments. A WAL file is not read beyond its first damage.
	Damaged []*DamageError `json:"damaged"`

	// Surplus are the paths of files that no restore uses: segments before the first
	// snapshot, and other files. They are not damage.
	Surplus []string `json:"surplus"`

	// Uncommitted is the number of frames that belong to an incomplete transaction.
	Uncommitted int64 `json:"uncommitted"`
}

// OK reports whether nothing is damaged or missing.
func (r *Report) OK() bool { return len(r.Damaged) == 0 }

// Verify reads every snapshot and every WAL file of all generations, or of one, and checks
// that they decode, that salts and checksums continue, and that no segment is missing or
// overlaps another. It changes nothing. Damage is in the Report; the error is about failed
// requests.
//
// It costs List and a request for each file, and needs as much memory as Restore.
func Verify(ctx context.Context, client ltxstore.ReplicaClient, cfg VerifyConfig) (*Report, error) {
	if cfg.Concurrency < 0 {
		return nil, fmt.Errorf("VerifyConfig.Concurrency is %d: want 0 (%d) or more: %w", cfg.Concurrency, defaultConcurrency, fs.ErrInvalid)
	}
	generations, err := list(ctx, client, cfg.Generation)
	if err != nil {
		return nil, err
	}
	v := &verifier{client: client, cfg: cfg, report: Report{Damaged: []*DamageError{}, Surplus: []string{}}}
	for _, g := range generations {
		if err := v.generation(ctx, g); err != nil {
			return nil, err
		}
	}
	return &v.report, nil
}

// verifier is one call of Verify.
type verifier struct {
	client ltxstore.ReplicaClient
	cfg    VerifyConfig
	report Report
}

func (v *verifier) generation(ctx context.Context, g *Generation) error {
	v.report.Surplus = append(v.report.Surplus, g.Others...)
	for _, s := range g.Snapshots {
		err := v.snapshot(ctx, s)
		if err = v.note(damagedSnapshot(s, err)); err != nil {
			return err
		}
	}
	list := g.Segments
	if len(g.Snapshots) == 0 {
		v.report.Damaged = append(v.report.Damaged, &DamageError{Generation: g.Name, Offset: -1, Missing: true, Err: faultf("generation has no snapshot: it cannot be restored")})
	} else {
		for len(list) > 0 && list[0].Index < g.Snapshots[0].Index {
			v.report.Surplus, list = append(v.report.Surplus, list[0].Name()), list[1:]
		}
	}
	if len(list) == 0 {
		return nil
	}
	return v.wal(ctx, g, list)
}

// note records damage, and returns other errors.
func (v *verifier) note(err error) error {
	if damage := new(DamageError); errors.As(err, &damage) {
		v.report.Damaged = append(v.report.Damaged, damage)
		return nil
	}
	return err
}

func (v *verifier) snapshot(ctx context.Context, s Snapshot) error {
	rc, err := s.open(ctx, v.client)
	if err != nil {
		return err
	}
	defer rc.Close()
	var header [sqliteHeader]byte
	n, err := io.ReadFull(rc, header[:])
	if err == io.EOF {
		v.read(s.Size)
		return nil // a database without pages
	}
	if err != nil && err != io.ErrUnexpectedEOF {
		return err
	}
	rest, err := io.Copy(io.Discard, rc)
	if err != nil {
		return err
	}
	v.read(s.Size)
	_, err = checkDatabase(header[:], int64(n)+rest)
	return err
}

// wal reads the WAL files, from that of the first snapshot on.
func (v *verifier) wal(ctx context.Context, g *Generation, list []Segment) error {
	expect := list[0].Index
	if len(g.Snapshots) > 0 {
		expect = g.Snapshots[0].Index
	}
	segs := newSegments(ctx, v.client, list, cmp.Or(v.cfg.Concurrency, defaultConcurrency), func(seg Segment) { v.read(seg.Size) })
	defer segs.close()
	for segs.more() {
		if segs.index > expect {
			v.report.Damaged = append(v.report.Damaged, missing(g.Name, expect, 0, "WAL file is missing: the next is %08x", segs.index))
		}
		expect = segs.index + 1
		if err := v.note(damagedSegment(segs.cur, v.frames(segs))); err != nil {
			return err
		}
	}
	return nil
}

func (v *verifier) frames(segs *segments) (err error) {
	w, err := newWALReader(segs)
	if err != nil {
		return damagedSegment(segs.cur, err)
	}
	open := int64(0)
	for {
		f, err := w.next()
		if err == io.EOF {
			v.report.Uncommitted += open
			return nil
		}
		if err != nil {
			return damagedSegment(segs.cur, err)
		}
		if open++; f.commit != 0 {
			open = 0
		}
	}
}

func (v *verifier) read(size int64) {
	v.report.Files++
	v.report.Bytes += size
	if v.cfg.Progress != nil {
		v.cfg.Progress(Progress{Files: v.report.Files, Bytes: v.report.Bytes})
	}
}
