package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/dustin/go-humanize"
	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore"
)

// level is the number and size of the files in a level.
type level struct {
	number int
	files  int
	bytes  int64
}

// levels lists the levels of a replica that have files.
func levels(ctx context.Context, client ltxstore.ReplicaClient) ([]level, error) {
	var found []level
	for number := range ltxstore.SnapshotLevel + 1 {
		l := level{number: number}
		_, err := ltxstore.FindLTXFiles(ctx, client, number, false, func(info *ltx.FileInfo) (bool, error) {
			l.files++
			l.bytes += info.Size
			return false, nil
		})
		if err != nil {
			return nil, err
		}
		if l.files > 0 {
			found = append(found, l)
		}
	}
	return found, nil
}

// short returns a summary of all levels: "2.1 MB in files L0:48 L1:8 L9:2".
func short(all []level) string {
	var bytes int64
	var parts []string
	for _, l := range all {
		bytes += l.bytes
		parts = append(parts, fmt.Sprintf("L%d:%d", l.number, l.files))
	}
	return humanize.Bytes(uint64(bytes)) + " in files " + strings.Join(parts, " ")
}

func (l level) String() string {
	name := fmt.Sprintf("level %d", l.number)
	if l.number == ltxstore.SnapshotLevel {
		name = "snapshots"
	}
	return fmt.Sprintf("%-9s %12s %8s", name, count(l.files, "file"), humanize.Bytes(uint64(l.bytes)))
}

func count[N int | int64](n N, what string) string {
	s := humanize.Comma(int64(n)) + " " + what
	if n != 1 {
		s += "s"
	}
	return s
}
