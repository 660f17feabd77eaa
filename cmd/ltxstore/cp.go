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

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/backend"
	"github.com/ltxstore/ltxstore/transfer"
)

func cpCommand() *command {
	return &command{
		name: "cp", args: "SOURCE DESTINATION", min: 2, max: 2, replicas: 2,
		short: "copy a replica to another place or layout",
		long: "Copies the files of the replica at one URL to another: to another service, another path, or another layout. " +
			"What is there already is skipped, so that a copy that was broken off goes on where it stopped; nothing is deleted. " +
			"The times of the files are kept. An empty destination gets the default layout, unless its URL names another.",
		json: `files and bytes by action (copied, replaced, skipped, deleted, damaged, failed), extra, failures.`,
		examples: []string{
			"ltxstore cp s3://bucket/db file:///var/backup/db",
			"ltxstore cp s3://bucket/db 'gs://bucket/db?layout=litestream'",
		},
		bind: func(flags *flag.FlagSet) func(context.Context, *app, []string) error {
			cmd := new(cp)
			flags.Func("level", "copy `LEVEL` alone; may be said several times", func(text string) error {
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
			flags.BoolVar(&cmd.cfg.Content, "content", false, "compare the bytes of what is there already, and not only its size")
			flags.BoolVar(&cmd.cfg.CopyDamaged, "damaged", false, "copy damaged files as they are; without it they are left out, and errors")
			flags.BoolVar(&cmd.cfg.Replace, "replace", false, "replace files that differ; without it they are errors")
			flags.BoolVar(&cmd.cfg.DryRun, "dry-run", false, "write nothing")
			flags.BoolVar(&cmd.yes, "yes", false, "do not ask on a terminal")
			flags.IntVar(&cmd.cfg.Concurrency, "concurrency", 8, "copy `N` files at once")
			return cmd.run
		},
	}
}

type cp struct {
	cfg transfer.Config
	yes bool
}

func (cmd *cp) run(ctx context.Context, a *app, args []string) error {
	if cmd.cfg.Concurrency < 1 {
		return usagef("-concurrency is %d: want 1 or more", cmd.cfg.Concurrency)
	}
	return a.with(ctx, a.at[0], func(src ltxstore.ReplicaClient) error {
		return a.with(ctx, a.at[1], func(dst ltxstore.ReplicaClient) error {
			if err := cmd.confirm(ctx, a, args); err != nil {
				return err
			}
			return cmd.copy(ctx, a, args, dst, src)
		})
	})
}

// confirm says which layouts were found, and asks a person before files get between
// those that are there. A program is not asked: nothing is deleted.
func (cmd *cp) confirm(ctx context.Context, a *app, args []string) error {
	from, _, err := layoutAt(ctx, a.at[0])
	if err != nil {
		return err
	}
	to, found, err := layoutAt(ctx, a.at[1])
	if err == nil && to == ltxstore.LayoutDefault.String() {
		err = above(ctx, a.at[1])
	}
	if err != nil {
		return err
	}
	if found && a.at[1].layout() == "" && a.inTTY && a.errTTY && !cmd.yes && !cmd.cfg.DryRun {
		what := fmt.Sprintf("copy to %s (layout %s), which holds files already", a.at[1], to)
		if err := a.ask(ctx, what, "nothing was copied"); err != nil {
			return err
		}
	}
	if !a.json {
		a.printf("from layout %s to layout %s\n", from, to)
	}
	return nil
}

func (cmd *cp) copy(ctx context.Context, a *app, args []string, dst, src ltxstore.ReplicaClient) error {
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
		files++
		bytes += o.File.Size
		p.show(bytes, 0, fmt.Sprintf("%s, level %d", count(files, "file"), o.File.Level))
	}
	report, err := transfer.Run(ctx, dst, src, cmd.cfg)
	p.done()
	if report == nil {
		return err
	}
	if err == nil && files == 0 && len(cmd.cfg.Levels) == 0 {
		return a.nothing(ctx, a.at[0])
	}
	if a.json {
		err = errors.Join(err, writeJSON(a.out, report))
	} else {
		a.copied(report, cmd.cfg.DryRun)
	}
	if ctx.Err() != nil && whole.Err() == nil {
		return fmt.Errorf("given up, since every other file would fail alike: %w", context.Cause(ctx))
	}
	if ctx.Err() != nil {
		done := report.Files[transfer.Copied] + report.Files[transfer.Replaced]
		return &interruption{fmt.Sprintf("%s copied; say it again to go on", count(done, "file")), err}
	}
	if n := report.Files[transfer.Failed]; n > 0 {
		return fmt.Errorf("%s not copied, see above; say it again to try once more, and -replace for what differs", count(n, "file"))
	}
	if n := report.Files[transfer.Damaged]; n > 0 {
		return fmt.Errorf("%s damaged in the source and left out, see above; to copy damaged files as they are: -damaged", count(n, "file"))
	}
	return err
}

// sameCause finds out that files fail for a reason that the others will meet too.
type sameCause struct {
	kind error
	n    int
}

// of is called with what each file has failed with, or nil, and returns the error
// that nothing can follow.
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

// copied writes what became of the files.
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
