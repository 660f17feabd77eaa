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

// Config says what Run looks at. The zero value is everything.
type Config struct {
	// Levels are those to look at, nil for all (see ltxstore.Levels). What can be
	// restored is always found from all of them.
	Levels []int

	// Concurrency is how many files are read at once: 0 means 4.
	Concurrency int

	// Progress, if not nil, is called after each file, and often while it is
	// found out what can be restored, by one goroutine at a time.
	Progress func(Progress)
}

// Progress is how far Run has come. How many files there are is not known
// before they are listed.
type Progress struct {
	Level    int // -1 while it is found out what can be restored
	Files    int
	Bytes    int64
	Findings int
}

const defaultConcurrency = 4

// Run looks at all files of a replica, and returns what it has found. An error
// is returned only for a nil client or a Config that cannot be right (fs.ErrInvalid, with
// no Report) and when ctx ends, with the Report so far, which tells what was not
// looked at; all else is a Finding.
//
// Files that a live daemon deletes or writes meanwhile are no errors. Levels
// are read from 0 up, so that what compaction moves is met where it went.
//
// What can be restored is what restore.DryRun restores: Report.Restore says what
// restore.Config it takes.
//
// Cost: LTXLevels, a listing of each level without metadata, one OpenLTXFile of each file,
// whole, and then the cost of restore.DryRun, which reads again the files that the
// newest state is made of; of damaged ones and several histories more than once.
// Memory is a page and some buffers for each file that is read at once,
// a page of the listing, a checksum for each file that carries one, and what is wrong.
func Run(ctx context.Context, client ltxstore.ReplicaClient, cfg Config) (*Report, error) {
	if client == nil {
		return nil, fmt.Errorf("verify: client is nil: want the replica's client: %w", fs.ErrInvalid)
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
	v.report = Report{Complete: true, Levels: []Level{}, NotLookedAt: []int{}, Findings: []Finding{}}
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

// levels returns those to look at. Where they cannot be told, the usual ones are.
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
		v.find(Error, KindList, file{level: -1}, "which levels there are cannot be told: %v", err)
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
	bad    map[file]bool // those that a restore cannot use; true: because they are damaged
	sums   map[ltx.TXID]sum
	newest ltx.TXID
}

// sum is the checksum of the database after a transaction, and a file that says so.
type sum struct {
	checksum ltx.Checksum
	file     file
}

// file is a file's name.
type file struct {
	level    int
	min, max ltx.TXID
}

func (f file) String() string { return ltxio.Name(f.level, f.min, f.max) }

func nameOf(info *ltx.FileInfo) file { return file{info.Level, info.MinTXID, info.MaxTXID} }

func (v *verifier) find(severity Severity, kind Kind, f file, format string, args ...any) {
	v.report.Findings = append(v.report.Findings, Finding{severity, kind, f.level, f.min, f.max, fmt.Sprintf(format, args...)})
}

// level looks at one level's files, several at once, and judges them in order.
func (v *verifier) level(ctx context.Context, level int) {
	if ctx.Err() != nil {
		v.notLookedAt(level)
		return
	}
	fits := &sequence{v: v, level: Level{Level: level}}
	stopped := false
	line := flow.Line[*reading]{Limit: cmp.Or(v.cfg.Concurrency, defaultConcurrency), Take: func(r *reading) {
		// What fails because ctx ends says nothing about the file, and what comes
		// behind it nothing about the transactions in between.
		if stopped = stopped || ctx.Err() != nil && r.err != nil; stopped {
			return
		}
		v.judge(r)
		fits.add(r)
		v.tell(Progress{Level: level, Files: v.report.Files, Bytes: v.report.Bytes})
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
		v.find(Error, KindTorn, nameOf(&info), "%s has no bytes: its upload broke off", nameInWords(&info))
	}
	if fits.level.Files > 0 {
		v.report.Levels = append(v.report.Levels, fits.level)
	}
	if err != nil && ctx.Err() == nil {
		v.find(Error, KindList, file{level: level}, "level %d cannot be listed: %v", level, err)
	}
	if err != nil || stopped || !ended || ctx.Err() != nil {
		v.notLookedAt(level)
	}
}

func (v *verifier) notLookedAt(level int) {
	v.report.Complete = false
	v.report.NotLookedAt = append(v.report.NotLookedAt, level)
}

func (v *verifier) tell(now Progress) {
	if v.cfg.Progress != nil {
		now.Findings = len(v.report.Findings)
		v.cfg.Progress(now)
	}
}

// nameInWords is how findings call a file.
func nameInWords(info *ltx.FileInfo) string {
	return ltxio.Name(info.Level, info.MinTXID, info.MaxTXID)
}
