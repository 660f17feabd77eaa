package main

import (
	"context"
	"errors"
	"flag"
	"io"
	"io/fs"

	"github.com/ltxstore/ltxstore"
)

func catCommand() *command {
	return &command{
		name: "cat", args: "URL LEVEL MIN-MAX", min: 3, max: 3, replicas: 1,
		short: "write a file to standard output",
		long:  "Writes the bytes of one LTX file to standard output, decrypted and decompressed if the replica has these wrappers.",
		examples: []string{
			"ltxstore cat s3://bucket/db 0 0000000000000001-0000000000000001 >first.ltx",
			"ltxstore cat -size 100 gs://b/db 9 0000000000000001-00000000000003e8 | od",
		},
		bind: func(flags *flag.FlagSet) func(context.Context, *app, []string) error {
			cmd := new(cat)
			flags.Int64Var(&cmd.offset, "offset", 0, "start at byte `N`")
			flags.Int64Var(&cmd.size, "size", 0, "write `N` bytes; 0 means all")
			flags.BoolVar(&cmd.force, "force", false, "write to a terminal, too")
			return cmd.run
		},
	}
}

type cat struct {
	offset, size int64
	force        bool
}

func (cmd *cat) run(ctx context.Context, a *app, args []string) error {
	f, err := parseFile(args[1], args[2])
	switch {
	case err != nil:
		return err
	case cmd.offset < 0 || cmd.size < 0:
		return usagef("-offset is %d and -size %d: want 0 or more", cmd.offset, cmd.size)
	case a.outTTY && !cmd.force:
		return usagef("an LTX file is binary: redirect it to a file, or use -force")
	}
	return a.with(ctx, a.at[0], func(client ltxstore.ReplicaClient) error {
		r, err := client.OpenLTXFile(ctx, f.Level, f.MinTXID, f.MaxTXID, cmd.offset, cmd.size)
		if errors.Is(err, fs.ErrNotExist) {
			if has, err := hasAny(ctx, client); err == nil && !has {
				return a.nothing(ctx, a.at[0])
			}
		}
		if err != nil {
			return err
		}
		_, err = io.Copy(a.out, r)
		return errors.Join(err, r.Close())
	})
}
