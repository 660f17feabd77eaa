package main

import (
	"bufio"
	"context"
	"flag"
	"fmt"
	"strings"

	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore"
)

func rmCommand() *command {
	return &command{
		name: "rm", args: "URL [LEVEL MIN-MAX...]", min: 1, max: -1,
		short: "delete files, or a whole replica",
		long: "Deletes files of a replica, or with -all every LTX file of it and what broken writes have left. " +
			"What others have put there stays. It asks before, or wants -yes where nobody can answer.",
		examples: []string{
			"ltxstore rm file:///var/replicas/db 0 0000000000000001-0000000000000001",
			"ltxstore rm -all -yes s3://bucket/old",
		},
		bind: func(flags *flag.FlagSet) func(context.Context, *app, []string) error {
			cmd := new(rm)
			flags.BoolVar(&cmd.all, "all", false, "delete the whole replica")
			flags.BoolVar(&cmd.yes, "yes", false, "do not ask")
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
	return a.with(ctx, args[0], func(client ltxstore.ReplicaClient) error {
		shown := ltxstore.Redact(args[0])
		if !cmd.all {
			if err := cmd.confirm(a, fmt.Sprintf("%s of %s", count(len(files), "file"), shown)); err != nil {
				return err
			}
			if err := client.DeleteLTXFiles(ctx, files); err != nil {
				return err
			}
			a.printf("deleted %s\n", count(len(files), "file"))
			return nil
		}
		n, bytes, err := held(ctx, client)
		if err != nil {
			return err
		}
		if n == 0 && !cmd.yes { // with -yes what broken writes have left goes
			return a.nothing(ctx, args[0])
		}
		if err := cmd.confirm(a, fmt.Sprintf("all of %s: %s, %s", shown, count(n, "file"), humanSize(bytes))); err != nil {
			return err
		}
		if err := client.DeleteAll(ctx); err != nil {
			if left, _, err2 := held(context.WithoutCancel(ctx), client); err2 == nil {
				return &interruption{fmt.Sprintf("%s of %d left", count(left, "file"), n), err}
			}
			return err
		}
		a.printf("deleted %s, %s\n", count(n, "file"), humanSize(bytes))
		return nil
	})
}

func (cmd *rm) named(args []string) (files []*ltx.FileInfo, err error) {
	switch {
	case cmd.all && len(args) > 0:
		return nil, usagef("-all deletes everything: want no files beside it")
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
func (cmd *rm) confirm(a *app, what string) error {
	if cmd.yes {
		return nil
	}
	if !a.inTTY || !a.errTTY {
		return usagef("nobody can be asked whether to delete %s: say -yes", what)
	}
	fmt.Fprintf(a.err, "delete %s? [y/N] ", what)
	answer, _ := bufio.NewReader(a.in).ReadString('\n')
	if answer = strings.ToLower(strings.TrimSpace(answer)); answer != "y" && answer != "yes" {
		return fmt.Errorf("nothing was deleted")
	}
	return nil
}

// held returns what a replica holds.
func held(ctx context.Context, client ltxstore.ReplicaClient) (files int, bytes int64, err error) {
	for _, level := range levels() {
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
