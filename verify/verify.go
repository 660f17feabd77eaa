package verify

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/internal/bounded"
	"github.com/ltxstore/ltxstore/internal/ctxio"
	"github.com/ltxstore/ltxstore/internal/ltxio"
	"github.com/ltxstore/ltxstore/restore"
)

// Config says what Run looks at. The zero value is everything.
type Config struct {
	// Levels are those to look at, nil for 0 to ltxstore.SnapshotLevel. What
	// can be restored is always found from all of them.
	Levels []int

	// Concurrency is how many files are read at once: 0 means 4.
	Concurrency int

	// Progress, if not nil, is called after each file, by one goroutine at a
	// time.
	Progress func(Progress)
}

// Progress is how far Run has come. How many files there are is not known
// before they are listed.
type Progress struct {
	Level    int
	Files    int
	Bytes    int64
	Findings int
}

const defaultConcurrency = 4

// Run looks at all files of a replica, and returns what it has found. An error
// is returned only for a Config that cannot be right (fs.ErrInvalid, with no
// Report) and when ctx ends, with the Report so far; all else is a Finding.
//
// Files that a live daemon deletes or writes meanwhile are no errors. Levels
// are read from 0 up, so that what compaction moves is met where it went.
//
// Cost: a listing of each level without metadata, one OpenLTXFile of each file,
// whole, and then the cost of restore.NewPlan for the newest state and of one
// header. Memory is a page and some buffers for each file that is read at once,
// a page of the listing, and what is wrong.
func Run(ctx context.Context, client ltxstore.ReplicaClient, cfg Config) (*Report, error) {
	if cfg.Concurrency < 0 {
		return nil, ltxstore.Invalid(client.Type(), "verify", "Config.Concurrency", cfg.Concurrency, fmt.Sprintf("want 0 (%d) or more", defaultConcurrency))
	}
	levels := cfg.Levels
	if levels == nil {
		for level := range ltxstore.SnapshotLevel + 1 {
			levels = append(levels, level)
		}
	}
	for _, level := range levels {
		if err := ltxstore.CheckLevel(level); err != nil {
			return nil, &ltxstore.Error{Op: "verify", Backend: client.Type(), Key: "Config.Levels", Kind: fs.ErrInvalid, Err: err}
		}
	}
	v := &verifier{client: client, cfg: cfg, bad: make(map[file]bool)}
	v.report = Report{Complete: true, Levels: []Level{}, Findings: []Finding{}}
	for _, level := range levels {
		v.level(ctx, level)
	}
	v.restorable(ctx)
	v.report.sort()
	err := ctxio.Err(ctx)
	if err != nil {
		v.report.Complete = false
		err = &ltxstore.Error{Op: "verify", Backend: client.Type(), Err: err}
	}
	return &v.report, err
}

type verifier struct {
	client ltxstore.ReplicaClient
	cfg    Config
	report Report
	bad    map[file]bool // those that a restore must not use
	newest ltx.TXID
}

// file is a file's name.
type file struct {
	level    int
	min, max ltx.TXID
}

func nameOf(info *ltx.FileInfo) file { return file{info.Level, info.MinTXID, info.MaxTXID} }

func (v *verifier) find(severity Severity, kind Kind, f file, format string, args ...any) {
	v.report.Findings = append(v.report.Findings, Finding{severity, kind, f.level, f.min, f.max, fmt.Sprintf(format, args...)})
}

// level looks at one level's files, several at once, and judges them in order.
func (v *verifier) level(ctx context.Context, level int) {
	if ctx.Err() != nil {
		return
	}
	fits := &sequence{v: v, level: Level{Level: level}}
	line := bounded.Line[*reading]{Limit: cmp.Or(v.cfg.Concurrency, defaultConcurrency), Take: func(r *reading) {
		if ctx.Err() != nil && r.err != nil {
			return // it says nothing about the file
		}
		v.judge(r)
		fits.add(r)
		if v.cfg.Progress != nil {
			v.cfg.Progress(Progress{level, v.report.Files, v.report.Bytes, len(v.report.Findings)})
		}
	}}
	files, err := v.client.LTXFiles(ctx, level, 0, false)
	if err == nil {
		for ctx.Err() == nil && files.Next() {
			info := files.Item()
			line.Do(func() *reading { return v.read(ctx, info) })
		}
		err = errors.Join(files.Err(), files.Close())
	}
	line.Wait()
	if fits.level.Files > 0 {
		v.report.Levels = append(v.report.Levels, fits.level)
	}
	if err != nil && ctx.Err() == nil {
		v.report.Complete = false
		v.find(Error, KindList, file{level: level}, "level %d cannot be listed: %v", level, err)
	}
}

// restorable finds the newest state that the sound files give.
func (v *verifier) restorable(ctx context.Context) {
	if ctx.Err() != nil {
		return
	}
	whole := file{level: -1}
	skip := func(info *ltx.FileInfo) bool { return v.bad[nameOf(info)] }
	plan, err := restore.NewPlan(ctx, v.client, restore.Target{}, skip)
	var unreachable *restore.UnreachableError
	switch {
	case errors.As(err, &unreachable) && unreachable.Empty:
		return // nothing is wrong with it
	case errors.As(err, &unreachable):
		v.find(Error, KindRestore, whole, "the newest state cannot be restored: %v", unreachable)
		if unreachable.Last == 0 {
			return
		}
		plan, err = restore.NewPlan(ctx, v.client, restore.Target{TXID: unreachable.Last}, skip)
	}
	if err != nil {
		if ctx.Err() == nil {
			v.report.Complete = false
			v.find(Error, KindList, whole, "what can be restored cannot be told: %v", err)
		}
		return
	}
	if unreachable == nil && plan.TXID() < v.newest {
		v.find(Error, KindRestore, whole, "transactions %s to %s are in damaged files only", plan.TXID()+1, v.newest)
	}
	v.report.Restore = &State{TXID: plan.TXID(), Files: len(plan.Files), Bytes: plan.Size()}
	if hdr, err := ltxstore.FetchLTXHeader(ctx, v.client, plan.Files[len(plan.Files)-1]); err == nil {
		v.report.Restore.Time = time.UnixMilli(hdr.Timestamp).UTC()
	}
}

// nameInWords is how findings call a file.
func nameInWords(info *ltx.FileInfo) string {
	return ltxio.Name(info.Level, info.MinTXID, info.MaxTXID)
}
