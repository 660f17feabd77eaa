package oplog_test

import (
	"context"
	"io/fs"
	"log/slog"
	"os"

	"github.com/ltxstore/ltxstore/backend/oplog"
)

// An operation that changes the store is logged when it ends.
func Example() {
	var log oplog.Logger
	log.Set(slog.New(slog.NewTextHandler(os.Stdout, &slog.HandlerOptions{
		ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
			if a.Key == slog.TimeKey || a.Key == "duration" {
				return slog.Attr{}
			}
			return a
		},
	})))
	op := log.Start(context.Background(), oplog.Op{Replica: "kv", Name: "write", Level: 0, MinTXID: 1, MaxTXID: 2, Done: slog.LevelInfo})
	op.End(nil, slog.Int64("size", 512))

	op = log.Start(context.Background(), oplog.Op{Replica: "kv", Name: "delete all", Level: -1, Done: slog.LevelInfo})
	op.End(fs.ErrPermission)
	// Output:
	// level=INFO msg="ltx write done" replica=kv level=0 minTXID=0000000000000001 maxTXID=0000000000000002 size=512
	// level=ERROR msg="ltx delete all failed" replica=kv error="permission denied"
}
