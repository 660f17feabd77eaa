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
	"github.com/ltxstore/ltxstore/backend"
	"github.com/ltxstore/ltxstore/internal/ltxio"
)

func lsCommand() *command {
	return &command{
		name: "ls", args: "URL", min: 1, max: 1, replicas: 1,
		short: "list the files of a replica",
		long: "Lists the LTX files of a replica, level by level: each with its first and last transaction, its size and its time. " +
			"Level 9 has the snapshots. TIME is the time in the file's header, which restore -timestamp uses. " +
			"If the listing of the store does not contain it, as in S3, the column is STORED, the time at which the file was stored; use -metadata to see TIME.",
		json: `an object for each file, on a line of its own: level, min_txid, max_txid, size in bytes, created_at, stored (true if created_at is when the file was stored).`,
		examples: []string{
			"ltxstore ls s3://bucket/db",
			"ltxstore ls -config /etc/litestream.yml /var/lib/app.db",
			"ltxstore ls -level 0 -seek 00000000000003e8 file:///var/replicas/db",
		},
		bind: func(flags *flag.FlagSet) func(context.Context, *app, []string) error {
			cmd := new(ls)
			flags.IntVar(&cmd.level, "level", -1, "list only `LEVEL`")
			flags.Var((*txidFlag)(&cmd.seek), "seek", "list only files from transaction `TXID` on")
			flags.StringVar(&cmd.generation, "generation", "", "list the files of `GENERATION` of a replica of Litestream v0.3")
			flags.BoolVar(&cmd.metadata, "metadata", false, "show the time in each file's header, even if that costs a request per file")
			return cmd.run
		},
	}
}

type ls struct {
	level    int
	seek     ltx.TXID
	metadata bool

	generation string // of a replica of v0.3

	stored bool // the times are the store's
}

// listed is the JSON output for a file.
type listed struct {
	Level     int       `json:"level"`
	MinTXID   ltx.TXID  `json:"min_txid"`
	MaxTXID   ltx.TXID  `json:"max_txid"`
	Size      int64     `json:"size"`
	CreatedAt time.Time `json:"created_at"`
	Stored    bool      `json:"stored"`
}

func (cmd *ls) run(ctx context.Context, a *app, args []string) error {
	var chosen []int
	if cmd.level >= 0 {
		if err := backend.CheckLevel(cmd.level); err != nil {
			return usagef("-level is %d: want 0 to %d", cmd.level, ltxstore.MaxLevel)
		}
		chosen = []int{cmd.level}
	} else if cmd.level != -1 {
		return usagef("-level is %d: want 0 to %d", cmd.level, ltxstore.MaxLevel)
	}
	if cmd.generation != "" && (chosen != nil || cmd.seek != 0 || cmd.metadata) {
		return usagef("-generation is for replicas of Litestream v0.3, and -level, -seek and -metadata are for LTX files: want one or the other")
	}
	var noted ltxio.TornFiles
	ctx = ltxstore.WithTorn(ctx, noted.Add)
	return a.with(ctx, a.at[0], func(client ltxstore.ReplicaClient) error {
		if cmd.generation != "" {
			return a.ofV03(ctx, client, func() error { return a.lsV03(ctx, client, cmd.generation) })
		}
		if chosen == nil {
			var err error
			if chosen, err = levelsOf(ctx, client); err != nil {
				return err
			}
		}
		files, bytes := 0, int64(0)
		for _, level := range chosen {
			err := cmd.list(ctx, client, level, func(f *ltx.FileInfo) error {
				if files++; files == 1 && !cmd.metadata {
					var err error
					if cmd.stored, err = timeIsStored(ctx, client, f); err != nil {
						return err
					}
				}
				bytes += f.Size
				return cmd.listed(a, f, files == 1)
			})
			if err != nil {
				return err
			}
		}
		a.warnTorn(lsCommand(), noted.Lost(ctx, client))
		if files == 0 && cmd.level < 0 && cmd.seek == 0 {
			if isV03(ctx, client) {
				return a.lsV03(ctx, client, "")
			}
			return a.nothing(ctx, a.at[0])
		}
		if files == 0 { // in the part that was asked for
			if has, err := hasAny(ctx, client); err != nil {
				return err
			} else if !has {
				return a.nothing(ctx, a.at[0])
			}
		}
		if !a.json {
			a.printf("%s, %s\n", count(files, "file"), humanSize(bytes))
			if cmd.stored {
				a.printf("%s\n", wrapped("STORED is when the file was stored. To show the times that restore -timestamp uses: -metadata", a.width, ""))
			}
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

// timeIsStored reports whether the times in a listing without metadata are
// those of the store and not those in the headers. It looks at one file,
// since all files of a store are alike.
func timeIsStored(ctx context.Context, client ltxstore.ReplicaClient, f *ltx.FileInfo) (bool, error) {
	header, err := ltxstore.FetchLTXHeader(ctx, client, f)
	if err != nil {
		return true, ctx.Err()
	}
	return header.Timestamp != f.CreatedAt.UnixMilli(), nil
}

// listed writes a file immediately, because a level may have very many.
func (cmd *ls) listed(a *app, f *ltx.FileInfo, first bool) error {
	if a.json {
		return json.NewEncoder(a.out).Encode(listed{f.Level, f.MinTXID, f.MaxTXID, f.Size, f.CreatedAt.UTC(), cmd.stored})
	}
	if first {
		heading := "TIME"
		if cmd.stored {
			heading = "STORED"
		}
		a.printf("%5s  %-16s  %-16s  %8s  %s\n", "LEVEL", "FIRST", "LAST", "SIZE", heading)
	}
	_, err := fmt.Fprintf(a.out, "%5d  %s  %s  %8s  %s\n", f.Level, f.MinTXID, f.MaxTXID, humanSize(f.Size), moment(f.CreatedAt))
	return err
}
