package verify

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"

	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/backend"
	"github.com/ltxstore/ltxstore/internal/flow"
	"github.com/ltxstore/ltxstore/internal/ltxio"
)

// Config is the configuration of Run. The zero value checks everything.
type Config struct {
	// Levels are the levels to check. Nil means all (see ltxstore.Levels). What can be
	// restored is always determined from all levels.
	Levels []int

	// Concurrency is how many files are read at a time. 0 means 4. It is also the
	// Concurrency of the dry run: see restore.Config.
	Concurrency int

	// Progress, if not nil, is called after each file, and repeatedly while Run determines
	// what can be restored, by one goroutine at a time.
	Progress func(Progress)
}

// Progress is the progress of Run. The total number of files is not known beforehand.
type Progress struct {
	Level    int // -1 while Run determines what can be restored
	Files    int
	Bytes    int64
	Findings int
}

const defaultConcurrency = 4

// Run reads all files of a replica and returns its findings. If client is nil or cfg is
// invalid, it fails with fs.ErrInvalid and returns no Report. If ctx ends, it returns the
// error of ctx and the Report so far. Everything else is a Finding.
//
// A daemon may be using the replica: files that are written or deleted in the meantime are
// not errors. Levels are read in ascending order, so that files that compaction moves are
// found on the next level.
//
// What can be restored is determined by [restore.DryRun]. Report.Restore has the settings of
// restore.Config that it requires.
//
// Run costs LTXLevels, a listing of each level without metadata, one OpenLTXFile for each
// file, and restore.DryRun, which reads the files of the newest state again, and more than
// once if files are damaged. It needs memory for a page and some buffers for each file read
// at a time, a page of the listing, a checksum for each file that has one, and the findings.
func Run(ctx context.Context, client ltxstore.ReplicaClient, cfg Config) (*Report, error) {
	if client == nil {
		return nil, fmt.Errorf("verify: client is nil: want a ReplicaClient: %w", fs.ErrInvalid)
	}
	if cfg.Concurrency < 0 {
		return nil, backend.Invalid(client.Type(), "verify", "Config.Concurrency", cfg.Concurrency, fmt.Sprintf("want 0 (%d) or more", defaultConcurrency))
	}
	for _, level := range cfg.Levels {
		if err := backend.CheckLevel(level); err != nil {
			return nil, &ltxstore.Error{Op: "verify", Backend: client.Type(), Field: "Config.Levels", Kind: fs.ErrInvalid, Err: fmt.Errorf("Config.Levels: %w", err)}
		}
	}
	v := &verifier{client: client, cfg: cfg, bad: make(map[file]bool), sums: make(map[ltx.TXID]sum)}
	v.report = Report{Complete: true, Levels: []Level{}, Unchecked: []int{}, Findings: []Finding{}}
	for _, level := range v.levels(ctx) {
		v.level(ctx, level)
	}
	v.restorable(ctx)
	v.report.sort()
	err := flow.Err(ctx)
	if err != nil {
		v.report.Complete = false
		err = &ltxstore.Error{Op: "verify", Backend: client.Type(), Err: err}
	}
	return &v.report, err
}

// levels returns the levels to check: the usual ones if they cannot be listed.
func (v *verifier) levels(ctx context.Context) []int {
	if v.cfg.Levels != nil {
		return v.cfg.Levels
	}
	levels, err := ltxstore.Levels(ctx, v.client)
	if err == nil {
		return levels
	}
	if ctx.Err() == nil {
		v.report.Complete = false
		v.find(Error, KindList, file{level: -1}, "levels cannot be listed: %v", err)
	}
	for level := range ltxstore.SnapshotLevel + 1 {
		levels = append(levels, level)
	}
	return levels
}

type verifier struct {
	client ltxstore.ReplicaClient
	cfg    Config
	report Report
	bad    map[file]bool // files that a restore cannot use; true if damaged
	sums   map[ltx.TXID]sum
	newest ltx.TXID
}

// sum is the checksum of the database after a transaction, and a file that contains it.
type sum struct {
	checksum ltx.Checksum
	file     file
}

// file is the name of a file.
type file struct {
	level    int
	min, max ltx.TXID
}

func (f file) String() string { return ltxio.Name(f.level, f.min, f.max) }

func nameOf(info *ltx.FileInfo) file { return file{info.Level, info.MinTXID, info.MaxTXID} }

func (v *verifier) find(severity Severity, kind Kind, f file, format string, args ...any) {
	v.report.Findings = append(v.report.Findings, Finding{severity, kind, f.level, f.min, f.max, fmt.Sprintf(format, args...)})
}

// level reads the files of a level, several at a time, and adds findings in order.
func (v *verifier) level(ctx context.Context, level int) {
	if ctx.Err() != nil {
		v.unchecked(level)
		return
	}
	fits := &sequence{v: v, level: Level{Level: level}}
	stopped := false
	line := flow.Line[*reading]{Limit: cmp.Or(v.cfg.Concurrency, defaultConcurrency), Take: func(r *reading) {
		// A failure because ctx ended is not that of a file, and later files would seem
		// to follow a gap.
		if stopped = stopped || ctx.Err() != nil && r.err != nil; stopped {
			return
		}
		v.addFile(r)
		fits.add(r)
		v.progress(Progress{Level: level, Files: v.report.Files, Bytes: v.report.Bytes})
	}}
	var torn ltxio.TornFiles
	files, err := v.client.LTXFiles(ltxstore.WithTorn(ctx, torn.Add), level, 0, false)
	ended := false
	if err == nil {
		for ctx.Err() == nil && !ended {
			if ended = !files.Next(); !ended {
				info := files.Item()
				line.Do(func() *reading { return v.read(ctx, info) })
			}
		}
		err = errors.Join(files.Err(), files.Close())
	}
	line.Wait()
	for _, info := range torn.Lost(ctx, v.client) {
		v.find(Error, KindTorn, nameOf(&info), "%s has no bytes: its upload was interrupted", nameInWords(&info))
	}
	if fits.level.Files > 0 {
		v.report.Levels = append(v.report.Levels, fits.level)
	}
	if err != nil && ctx.Err() == nil {
		v.find(Error, KindList, file{level: level}, "level %d cannot be listed: %v", level, err)
	}
	if err != nil || stopped || !ended || ctx.Err() != nil {
		v.unchecked(level)
	}
}

func (v *verifier) unchecked(level int) {
	v.report.Complete = false
	v.report.Unchecked = append(v.report.Unchecked, level)
}

func (v *verifier) progress(now Progress) {
	if v.cfg.Progress != nil {
		now.Findings = len(v.report.Findings)
		v.cfg.Progress(now)
	}
}

// nameInWords returns the name of a file for a finding.
func nameInWords(info *ltx.FileInfo) string {
	return ltxio.Name(info.Level, info.MinTXID, info.MaxTXID)
}
