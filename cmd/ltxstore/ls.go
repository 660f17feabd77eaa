package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"time"

	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore"
)

func lsCommand() *command {
	return &command{
		name: "ls", args: "URL", min: 1, max: 1,
		short: "list the files of a replica",
		long: "Lists the LTX files of a replica, level by level: each with its first and last transaction, its size and its time. " +
			"Level 9 has the snapshots.",
		json: `an object for each file, on a line of its own: level, min_txid, max_txid, size in bytes, created_at.`,
		examples: []string{
			"ltxstore ls s3://bucket/db",
			"ltxstore ls -level 0 -seek 00000000000003e8 file:///var/replicas/db",
		},
		bind: func(flags *flag.FlagSet) func(context.Context, *app, []string) error {
			cmd := new(ls)
			flags.IntVar(&cmd.level, "level", -1, "list `LEVEL` alone, 0 to 9")
			flags.Var((*txidFlag)(&cmd.seek), "seek", "list files from transaction `TXID` on")
			flags.BoolVar(&cmd.metadata, "metadata", false, "give the time in each file's header, also where that costs a request a file")
			return cmd.run
		},
	}
}

type ls struct {
	level    int
	seek     ltx.TXID
	metadata bool
}

// listed is a file in JSON.
type listed struct {
	Level     int       `json:"level"`
	MinTXID   ltx.TXID  `json:"min_txid"`
	MaxTXID   ltx.TXID  `json:"max_txid"`
	Size      int64     `json:"size"`
	CreatedAt time.Time `json:"created_at"`
}

func (cmd *ls) run(ctx context.Context, a *app, args []string) error {
	var chosen []int
	if cmd.level >= 0 {
		if err := ltxstore.CheckLevel(cmd.level); err != nil {
			return usagef("-level is %d: want 0 to %d", cmd.level, ltxstore.MaxLevel)
		}
		chosen = []int{cmd.level}
	} else if cmd.level != -1 {
		return usagef("-level is %d: want 0 to %d", cmd.level, ltxstore.MaxLevel)
	}
	return a.with(ctx, args[0], func(client ltxstore.ReplicaClient) error {
		if chosen == nil {
			var err error
			if chosen, err = levelsOf(ctx, client); err != nil {
				return err
			}
		}
		files, bytes := 0, int64(0)
		for _, level := range chosen {
			err := cmd.list(ctx, client, level, func(f *ltx.FileInfo) error {
				files++
				bytes += f.Size
				return a.listed(f, files == 1)
			})
			if err != nil {
				return err
			}
		}
		switch {
		case files == 0 && cmd.level < 0 && cmd.seek == 0:
			return a.nothing(ctx, args[0])
		case !a.json:
			a.printf("%s, %s\n", count(files, "file"), humanSize(bytes))
		}
		return nil
	})
}

func (cmd *ls) list(ctx context.Context, client ltxstore.ReplicaClient, level int, each func(*ltx.FileInfo) error) error {
	files, err := client.LTXFiles(ctx, level, cmd.seek, cmd.metadata)
	if err != nil {
		return err
	}
	for files.Next() {
		if err := each(files.Item()); err != nil {
			return errors.Join(err, files.Close())
		}
	}
	return files.Close()
}

// listed writes a file as it is met: a level may have very many.
func (a *app) listed(f *ltx.FileInfo, first bool) error {
	if a.json {
		return json.NewEncoder(a.out).Encode(listed{f.Level, f.MinTXID, f.MaxTXID, f.Size, f.CreatedAt.UTC()})
	}
	if first {
		a.printf("%5s  %-16s  %-16s  %8s  %s\n", "LEVEL", "FIRST", "LAST", "SIZE", "TIME")
	}
	_, err := fmt.Fprintf(a.out, "%5d  %s  %s  %8s  %s\n", f.Level, f.MinTXID, f.MaxTXID, humanSize(f.Size), moment(f.CreatedAt))
	return err
}
