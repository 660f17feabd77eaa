package main

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os/exec"
	"strconv"
	"strings"
	"time"

	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/restore"
)

func restoreCommand() *command {
	return &command{
		name: "restore", args: "URL FILE", min: 2, max: 2, replicas: 1,
		short: "restore a database from a replica",
		long: "Restores the newest or another state of a database to FILE, which appears whole or not at all. The checksum of every LTX file is verified, " +
			"and that of the database if the files contain it. With -integrity, SQLite checks the database before it appears.",
		json: `txid, time, files, bytes (read), page_size, pages, checksum, past_end, left_out.`,
		examples: []string{
			"ltxstore restore s3://bucket/db app.db",
			"ltxstore restore -config /etc/litestream.yml /var/lib/app.db restored.db",
			"ltxstore restore -timestamp 2026-01-31T12:00:00Z s3://bucket/db app.db",
		},
		bind: func(flags *flag.FlagSet) func(context.Context, *app, []string) error {
			cmd := new(restoring)
			flags.Var((*txidFlag)(&cmd.cfg.Target.TXID), "txid", "restore exactly to transaction `TXID`")
			flags.Func("timestamp", "restore the state at `TIME`, as ls -metadata shows it: 2026-01-31T12:00:00Z", func(text string) (err error) {
				if cmd.until, err = time.Parse(time.RFC3339Nano, text); err != nil {
					return errors.New("want a time such as 2026-01-31T12:00:00Z")
				}
				// Times in files have milliseconds, so a time that ls shows
				// is that of a state.
				cmd.cfg.Target.Before = cmd.until.Truncate(time.Millisecond).Add(time.Millisecond)
				return nil
			})
			flags.Func("mode", "set the permissions of FILE to `MODE`, such as 0600; default 0644, or with -force those of the old file", func(text string) error {
				mode, err := strconv.ParseUint(text, 8, 32)
				if err != nil || mode == 0 || mode > 0o777 {
					return errors.New("want permissions in octal, such as 0600")
				}
				cmd.cfg.Mode = fs.FileMode(mode)
				return nil
			})
			flags.BoolVar(&cmd.cfg.Overwrite, "force", false, "replace FILE, which no program may have open")
			flags.BoolVar(&cmd.cfg.SkipDamaged, "skip-damaged", false, "skip files that are damaged or have another history, and restore from the others")
			flags.BoolVar(&cmd.integrity, "integrity", false, "run PRAGMA integrity_check with the sqlite3 program, which must be installed")
			flags.IntVar(&cmd.cfg.Concurrency, "concurrency", 16, "open `N` files at a time")
			flags.StringVar(&cmd.generation, "generation", "", "restore `GENERATION` of a replica of Litestream v0.3; default the newest")
			return cmd.run
		},
	}
}

type restoring struct {
	cfg       restore.Config
	until     time.Time // -timestamp
	integrity bool

	generation string // of a replica of v0.3
}

func (cmd *restoring) run(ctx context.Context, a *app, args []string) error {
	switch {
	case cmd.cfg.Concurrency < 1:
		return usagef("-concurrency is %d: want 1 or more", cmd.cfg.Concurrency)
	case cmd.cfg.Target.TXID != 0 && !cmd.cfg.Target.Before.IsZero():
		return usagef("-txid and -timestamp cannot be combined")
	}
	if err := localFile("FILE", args[1]); err != nil {
		return err
	}
	if cmd.integrity {
		program, err := exec.LookPath("sqlite3")
		if err != nil {
			return fmt.Errorf("-integrity needs the sqlite3 program: install it, or omit -integrity: %w", err)
		}
		cmd.cfg.Check = func(ctx context.Context, path string) error { return integrityCheck(ctx, program, path) }
	}
	return a.with(ctx, a.at[0], func(client ltxstore.ReplicaClient) error {
		if cmd.generation != "" {
			return cmd.restoreV03(ctx, a, client, args[1])
		}
		p := a.watch()
		cmd.cfg.Progress = func(now restore.Progress) {
			p.show(now.Bytes, now.TotalBytes, fmt.Sprintf("file %d of %d", now.Files, now.TotalFiles))
		}
		result, err := restore.Run(ctx, client, args[1], cmd.cfg)
		p.done()
		switch unreachable := new(restore.UnreachableError); {
		case errors.As(err, &unreachable) && unreachable.Empty:
			if isV03(ctx, client) {
				return cmd.restoreV03(ctx, a, client, args[1])
			}
			return a.nothing(ctx, a.at[0])
		case errors.Is(err, fs.ErrExist):
			return fmt.Errorf("%s or its journal already exists; to replace it: -force", args[1])
		case ctx.Err() != nil && err != nil:
			return &interruption{"nothing was written", err}
		case err != nil:
			return cmd.advise(ctx, client, err)
		}
		cmd.warn(a, result)
		if a.json {
			a.writeJSON(result)
			return nil
		}
		a.printf("restored transaction %s of %s\n", result.TXID, moment(result.Time))
		a.printf("%s of %d bytes, from %s of %s\n", count(int64(result.Pages), "page"), result.PageSize,
			count(result.Files, "file"), humanSize(result.Bytes))
		if result.Checksum == ltx.Checksum(0) {
			a.printf("the checksums of all files are correct; they contain none of the database\n")
		} else {
			a.printf("the checksums of all files and of the database are correct\n")
		}
		if cmd.integrity {
			a.printf("SQLite's integrity_check: ok\n")
		}
		return nil
	})
}

// advise adds to an error what can be done about it.
func (cmd *restoring) advise(ctx context.Context, client ltxstore.ReplicaClient, err error) error {
	unreachable := new(restore.UnreachableError)
	gap, damaged := errors.As(err, &unreachable), errors.Is(err, ltxstore.ErrChecksum)
	if gap || damaged {
		if what := foreign(ctx, client); what != "" {
			return fmt.Errorf("%s: %w", what, err)
		}
	}
	switch {
	case unreachable.Last != 0:
		return fmt.Errorf("%w; to restore that: -txid %s", err, unreachable.Last)
	case damaged && !cmd.cfg.SkipDamaged:
		return fmt.Errorf("%w; to restore what the other files contain: -skip-damaged", err)
	}
	return err
}

// warn warns if the restored state is not what was asked for, or may be
// incomplete.
func (cmd *restoring) warn(a *app, result *restore.Result) {
	if result.PastEnd && cmd.until.Truncate(time.Millisecond).After(result.Time) {
		a.warn(restoreCommand(), fmt.Sprintf("the last transaction in the replica, %s of %s, is before -timestamp", result.TXID, moment(result.Time)))
	}
	const most = 10
	for _, f := range result.LeftOut[:min(len(result.LeftOut), most)] {
		a.warn(restoreCommand(), fmt.Sprintf("level %d %s-%s was skipped: %s; transactions may be missing", f.Level, f.MinTXID, f.MaxTXID, f.Reason))
	}
	if more := len(result.LeftOut) - most; more > 0 {
		a.warn(restoreCommand(), fmt.Sprintf("%s more skipped: see -json", count(more, "file")))
	}
}

// integrityCheck runs SQLite's integrity check on a database. It does not
// switch to WAL mode, which would leave files next to the database.
func integrityCheck(ctx context.Context, program, path string) error {
	out, err := exec.CommandContext(ctx, program, "-batch", path, "PRAGMA integrity_check").CombinedOutput()
	text := strings.TrimSpace(string(out))
	if err == nil && text == "ok" {
		return nil
	}
	const most = 200
	if len(text) > most {
		text = text[:most] + "…"
	}
	return errors.Join(fmt.Errorf("integrity check of the restored database failed: %s", cmp.Or(text, "no output from sqlite3")), err)
}
