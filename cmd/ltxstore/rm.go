package main

import (
	"context"
	"flag"
	"fmt"
	"sync/atomic"

	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore"
)

func rmCommand() *command {
	return &command{
		name: "rm", args: "URL [LEVEL MIN-MAX...]", min: 1, max: -1, replicas: 1,
		short: "delete files, or a whole replica",
		long: "Deletes files of a replica, or with -all all of its LTX files and the remains of interrupted writes. " +
			"Files of other programs are kept. It asks for confirmation; scripts must use -yes.",
		examples: []string{
			"ltxstore rm file:///var/replicas/db 0 0000000000000001-0000000000000001",
			"ltxstore rm -all -yes s3://bucket/old",
		},
		bind: func(flags *flag.FlagSet) func(context.Context, *app, []string) error {
			cmd := new(rm)
			flags.BoolVar(&cmd.all, "all", false, "delete the whole replica")
			flags.BoolVar(&cmd.yes, "yes", false, "do not ask for confirmation")
			return cmd.run
		},
	}
}

type rm struct{ all, yes bool }

func (cmd *rm) run(ctx context.Context, a *app, args []string) error {
	files, err := cmd.named(args[1:])
	if err != nil {
		return err
	}
	return a.with(ctx, a.at[0], func(client ltxstore.ReplicaClient) error {
		layout, _, err := layoutAt(ctx, a.at[0])
		if err == nil && layout == ltxstore.LayoutDefault.String() {
			err = above(ctx, a.at[0])
		}
		if err != nil {
			return err
		}
		where := fmt.Sprintf("%s (layout %s)", a.at[0], layout)
		if cmd.all {
			return cmd.deleteAll(ctx, a, where, client)
		}
		return cmd.deleteFiles(ctx, a, where, client, files)
	})
}

func (cmd *rm) deleteFiles(ctx context.Context, a *app, where string, client ltxstore.ReplicaClient, files []*ltx.FileInfo) error {
	there, absent, err := present(ctx, client, files)
	if err != nil {
		return err
	}
	if len(there) > 0 {
		if err := cmd.confirm(ctx, a, fmt.Sprintf("%s of %s", count(len(there), "file"), where)); err != nil {
			return err
		}
		if err := client.DeleteLTXFiles(ctx, there); err != nil {
			return err
		}
		a.printf("deleted %s of %s\n", count(len(there), "file"), where)
	}
	if len(absent) > 0 {
		return fmt.Errorf("%s not found: level %d has no %s-%s", count(len(absent), "file"), absent[0].Level, absent[0].MinTXID, absent[0].MaxTXID)
	}
	return nil
}

// present returns which of the files a replica lists.
func present(ctx context.Context, client ltxstore.ReplicaClient, files []*ltx.FileInfo) (there, absent []*ltx.FileInfo, err error) {
	for _, f := range files {
		switch found, err := listedAs(ctx, client, f); {
		case err != nil:
			return nil, nil, err
		case found:
			there = append(there, f)
		default:
			absent = append(absent, f)
		}
	}
	return there, absent, nil
}

// listedAs reports whether a replica has a file, possibly one left by a torn
// upload.
func listedAs(ctx context.Context, client ltxstore.ReplicaClient, f *ltx.FileInfo) (found bool, err error) {
	var torn atomic.Bool
	ctx = ltxstore.WithTorn(ctx, func(t ltx.FileInfo) {
		if t.Level == f.Level && t.MinTXID == f.MinTXID && t.MaxTXID == f.MaxTXID {
			torn.Store(true)
		}
	})
	items, err := client.LTXFiles(ctx, f.Level, f.MinTXID, false)
	if err != nil {
		return false, err
	}
	for !found && items.Next() {
		item := items.Item()
		if item.MinTXID > f.MinTXID {
			break
		}
		found = item.MaxTXID == f.MaxTXID
	}
	return found || torn.Load(), items.Close()
}

func (cmd *rm) deleteAll(ctx context.Context, a *app, where string, client ltxstore.ReplicaClient) error {
	n, bytes, err := held(ctx, client)
	if err != nil {
		return err
	}
	if n == 0 && !cmd.yes { // -yes also deletes the remains of interrupted writes
		return a.nothing(ctx, a.at[0])
	}
	if err := cmd.confirm(ctx, a, fmt.Sprintf("all of %s: %s, %s", where, count(n, "file"), humanSize(bytes))); err != nil {
		return err
	}
	if err := client.DeleteAll(ctx); err != nil {
		if left, _, err2 := held(context.WithoutCancel(ctx), client); err2 == nil {
			return &interruption{fmt.Sprintf("%s of %d left", count(left, "file"), n), err}
		}
		return err
	}
	if n == 0 && isV03(ctx, client) {
		return a.nothing(ctx, a.at[0])
	}
	a.printf("deleted %s, %s, of %s\n", count(n, "file"), humanSize(bytes), where)
	return nil
}

func (cmd *rm) named(args []string) (files []*ltx.FileInfo, err error) {
	switch {
	case cmd.all && len(args) > 0:
		return nil, usagef("-all deletes everything and cannot be combined with files")
	case !cmd.all && len(args) < 2:
		return nil, usagef("want a level and files to delete, or -all")
	}
	for i := 1; i < len(args); i++ {
		f, err := parseFile(args[0], args[i])
		if err != nil {
			return nil, err
		}
		files = append(files, f)
	}
	return files, nil
}

// confirm asks whether to delete.
func (cmd *rm) confirm(ctx context.Context, a *app, what string) error {
	if cmd.yes {
		return nil
	}
	if !a.inTTY || !a.errTTY {
		return usagef("cannot ask whether to delete %s: use -yes", what)
	}
	return a.ask(ctx, "delete "+what, "nothing was deleted")
}

// held returns the files of a replica.
func held(ctx context.Context, client ltxstore.ReplicaClient) (files int, bytes int64, err error) {
	levels, err := levelsOf(ctx, client)
	if err != nil {
		return 0, 0, err
	}
	for _, level := range levels {
		err := new(ls).list(ctx, client, level, func(f *ltx.FileInfo) error {
			files++
			bytes += f.Size
			return nil
		})
		if err != nil {
			return files, bytes, err
		}
	}
	return files, bytes, nil
}
