package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"slices"
	"strconv"
	"syscall"

	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/backend"
	"github.com/ltxstore/ltxstore/config"
	"github.com/ltxstore/ltxstore/transfer"
)

func cpCommand() *command {
	return &command{
		name: "cp", args: "SOURCE DESTINATION", min: 2, max: 2, replicas: 2,
		short: "copy a replica to another place or layout",
		long: "Copies the files of a replica to another service, path or layout. " +
			"Files that exist in the destination are skipped, so running the command again continues an interrupted copy. Nothing is deleted. " +
			"The times of the files are kept. Unless the URL of an empty destination names a layout, a replica that Litestream can restore " +
			"stays one that it can restore. The command shows the layouts before it writes anything.",
		json: `from_layout, to_layout, files and bytes by action (copied, replaced, skipped, deleted, damaged, failed), extra, failures.`,
		examples: []string{
			"ltxstore cp s3://bucket/db file:///var/backup/db",
			"ltxstore cp s3://bucket/db 'gs://bucket/db?layout=litestream'",
		},
		bind: func(flags *flag.FlagSet) func(context.Context, *app, []string) error {
			cmd := new(cp)
			flags.Func("level", "copy only `LEVEL`; may be repeated", func(text string) error {
				level, err := strconv.Atoi(text)
				if err == nil {
					err = backend.CheckLevel(level)
				}
				if err != nil {
					return fmt.Errorf("want 0 to %d", ltxstore.MaxLevel)
				}
				cmd.cfg.Levels = append(cmd.cfg.Levels, level)
				return nil
			})
			flags.BoolVar(&cmd.cfg.Content, "content", false, "compare the content of files that exist in the destination, not only their size")
			flags.BoolVar(&cmd.cfg.CopyDamaged, "damaged", false, "copy damaged files too; without it, they are skipped and are errors")
			flags.BoolVar(&cmd.cfg.Replace, "replace", false, "replace files that differ; without it, they are errors")
			flags.BoolVar(&cmd.cfg.DryRun, "dry-run", false, "write nothing")
			flags.BoolVar(&cmd.yes, "yes", false, "do not ask for confirmation")
			flags.IntVar(&cmd.cfg.Concurrency, "concurrency", 8, "copy `N` files at a time")
			flags.StringVar(&cmd.generation, "generation", "", "convert `GENERATION` of a replica of Litestream v0.3; default the newest")
			return cmd.run
		},
	}
}

type cp struct {
	cfg transfer.Config
	yes bool

	generation string // of a replica of v0.3

	from, to string        // layouts
	first    *ltx.FileInfo // of the files that the destination has
}

// copied is the JSON output of cp.
type copied struct {
	From string `json:"from_layout"`
	To   string `json:"to_layout"`
	*transfer.Report
}

func (cmd *cp) run(ctx context.Context, a *app, args []string) error {
	if cmd.cfg.Concurrency < 1 {
		return usagef("-concurrency is %d: want 1 or more", cmd.cfg.Concurrency)
	}
	return a.with(ctx, a.at[0], func(src ltxstore.ReplicaClient) error {
		// An invalid URL of the destination is reported before the first
		// request.
		if err := a.at[1].src.Check(); err != nil {
			return err
		}
		if err := cmd.layouts(ctx, a, src); err != nil {
			return err
		}
		return a.with(ctx, a.at[1], func(dst ltxstore.ReplicaClient) error { return cmd.copy(ctx, a, dst, src) })
	})
}

// layoutV03 is shown as the layout of a replica of Litestream v0.3.
const layoutV03 = "v0.3"

// layouts detects and prints the layouts of both replicas. If the destination has
// files, it asks for confirmation on a terminal; scripts are not asked, because nothing
// is deleted.
func (cmd *cp) layouts(ctx context.Context, a *app, src ltxstore.ReplicaClient) (err error) {
	if err = within(ctx, a.at[1]); err != nil {
		return err
	}
	var found bool
	if cmd.from, found, err = layoutAt(ctx, a.at[0]); err != nil {
		return err
	}
	if !found && isV03(ctx, src) {
		cmd.from = layoutV03
	}
	if cmd.to, found, err = layoutAt(ctx, a.at[1]); err != nil {
		return err
	}
	if cmd.to == ltxstore.LayoutDefault.String() {
		if err = above(ctx, a.at[1]); err != nil {
			return err
		}
	}
	if !found { // and none is named
		if cmd.to, err = sameFamily(cmd.from, a.at[1]); err != nil {
			return err
		}
		a.at[1].src.Layout = cmd.to
	}
	if found && a.at[1].layout() == "" && a.inTTY && a.errTTY && !cmd.yes && !cmd.cfg.DryRun {
		what := fmt.Sprintf("copy to %s (layout %s), which already has files", a.at[1], cmd.to)
		if err := a.ask(ctx, what, "nothing was copied"); err != nil {
			return err
		}
	}
	if !a.json {
		a.printf("from layout %s to layout %s\n", cmd.from, cmd.to)
	}
	return nil
}

// sameFamily returns the layout for an empty destination: if the source has a
// layout of Litestream, v0.3's included, the one that Litestream uses in the destination's
// store, otherwise the default.
func sameFamily(from string, to target) (string, error) {
	scheme, err := to.src.Scheme()
	if err != nil || from == ltxstore.LayoutDefault.String() {
		return ltxstore.LayoutDefault.String(), err
	}
	return config.LitestreamLayout(scheme).String(), nil
}

// warnOfTimes warns if Litestream's own restore -timestamp will see when
// files were stored in the destination, and not the times in the files. One
// file tells it for all.
func (cmd *cp) warnOfTimes(ctx context.Context, a *app, dst ltxstore.ReplicaClient) {
	// From other stores, Litestream reads the time of each file.
	byListing := slices.Contains([]string{"file", "sftp", "nats", "gcs", "abs"}, dst.Type())
	if cmd.to == ltxstore.LayoutDefault.String() || !byListing || cmd.first == nil || cmd.cfg.DryRun {
		return
	}
	files, err := dst.LTXFiles(ctx, cmd.first.Level, cmd.first.MinTXID, false)
	if err != nil {
		return
	}
	for files.Next() {
		item := files.Item()
		if item.MaxTXID != cmd.first.MaxTXID || item.MinTXID != cmd.first.MinTXID {
			continue
		}
		if stored, err := timeIsStored(ctx, dst, item); err == nil && stored {
			a.warn(cpCommand(), fmt.Sprintf("%s has files with the times at which they were stored there, which litestream restore -timestamp will use: copy to an empty place to keep their original times", a.at[1]))
		}
		break
	}
	_ = files.Close() // needed only for a hint
}

func (cmd *cp) copy(ctx context.Context, a *app, dst, src ltxstore.ReplicaClient) error {
	p := a.watch()
	files, bytes := 0, int64(0)
	whole := ctx
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	same := new(sameCause)
	cmd.cfg.Each = func(o transfer.Outcome) {
		if err := same.of(o.Err); err != nil {
			stop(err)
		}
		if files++; cmd.first == nil && o.Err == nil {
			cmd.first = &o.File
		}
		bytes += o.File.Size
		p.show(bytes, 0, fmt.Sprintf("%s, level %d", count(files, "file"), o.File.Level))
	}
	if cmd.generation != "" {
		p.done()
		return cmd.convert(whole, a, dst, src)
	}
	report, err := transfer.Run(ctx, dst, src, cmd.cfg)
	p.done()
	if err == nil && files == 0 && len(cmd.cfg.Levels) == 0 {
		if cmd.from == layoutV03 || isV03(ctx, src) { // a layout may be named
			return cmd.convert(whole, a, dst, src)
		}
		return a.nothing(ctx, a.at[0])
	}
	cmd.warnOfTimes(whole, a, dst)
	if a.json {
		a.writeJSON(copied{cmd.from, cmd.to, report})
	} else {
		a.copied(report, cmd.cfg.DryRun)
	}
	if ctx.Err() != nil && whole.Err() == nil {
		return fmt.Errorf("gave up, because all other files would fail in the same way: %w", context.Cause(ctx))
	}
	if ctx.Err() != nil {
		done := report.Files[transfer.Copied] + report.Files[transfer.Replaced]
		return &interruption{fmt.Sprintf("%s copied; run it again to continue", count(done, "file")), err}
	}
	if n := report.Files[transfer.Failed]; n > 0 {
		return fmt.Errorf("%s not copied, see above; run the command again to retry, with -replace for files that differ", count(n, "file"))
	}
	if n := report.Files[transfer.Damaged]; n > 0 {
		return fmt.Errorf("%s damaged in the source and skipped, see above; to copy them too: -damaged", count(n, "file"))
	}
	return err
}

// sameCause detects that files fail for a reason that will affect all others
// too.
type sameCause struct {
	kind error
	n    int
}

// of is called with the result of each file, and returns an error once it
// makes no sense to continue.
func (c *sameCause) of(err error) error {
	if err == nil {
		c.n = 0
		return nil
	}
	for _, kind := range []error{syscall.ENOSPC, syscall.EDQUOT, syscall.EROFS, ltxstore.ErrStoreNotFound} {
		if errors.Is(err, kind) {
			return err
		}
	}
	const most = 3 // one file alone may be denied
	kind := ltxstore.KindOf(err)
	if kind != fs.ErrPermission && kind != ltxstore.ErrUnavailable && kind != ltxstore.ErrThrottled && kind != errors.ErrUnsupported {
		c.n = 0
		return nil
	}
	if c.kind != kind {
		c.kind, c.n = kind, 0
	}
	if c.n++; c.n == most {
		return err
	}
	return nil
}

// copied prints the outcome.
func (a *app) copied(report *transfer.Report, dry bool) {
	t := table{heading: []string{"ACTION", "FILES", "SIZE"}, right: map[int]bool{1: true, 2: true}}
	for _, action := range []transfer.Action{transfer.Copied, transfer.Replaced, transfer.Skipped, transfer.Deleted, transfer.Damaged, transfer.Failed} {
		if n := report.Files[action]; n > 0 {
			name := string(action)
			if dry && action != transfer.Skipped && action != transfer.Damaged {
				name = "would be " + name
			}
			t.add(name, strconv.Itoa(n), humanSize(report.Bytes[action]))
		}
	}
	if report.Extra > 0 {
		t.add("only there", strconv.Itoa(report.Extra), "-")
	}
	t.write(a.out, a.width)
	failures := slices.Clone(report.Failures)
	const most = 10
	for _, f := range failures[:min(len(failures), most)] {
		a.printf("level %d %s-%s: %s\n", f.Level, f.MinTXID, f.MaxTXID, wrapped(f.Error, a.width, "  "))
	}
	if len(failures) > most {
		a.printf("and %d more\n", len(failures)-most)
	}
}
