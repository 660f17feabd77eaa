package replicatest_test

import (
	"context"
	"slices"

	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore"
)

func levelMutants() []mutant {
	return []mutant{
		{name: "says nothing of torn uploads", fails: []string{"list/torn-reported"},
			damage: onList(func(_ *client, list listFunc) listFunc {
				return func(ctx context.Context, level int, seek ltx.TXID, useMetadata bool) (ltx.FileIterator, error) {
					return list(untold{ctx}, level, seek, useMetadata)
				}
			})},
		{name: "finds levels to SnapshotLevel only", fails: []string{"list/levels-found"},
			wrap: levelsOf(func(levels []int) []int {
				return slices.DeleteFunc(levels, func(level int) bool { return level > ltxstore.SnapshotLevel })
			})},
		{name: "sorts levels as text", fails: []string{"list/levels-found"},
			wrap: levelsOf(func(levels []int) []int {
				slices.Reverse(levels)
				return levels
			})},
		{name: "finds levels under a dead context", fails: []string{"list/levels-found"},
			wrap: func(c *client) ltxstore.ReplicaClient {
				return &leveled{client: c, detach: true, change: func(levels []int) []int { return levels }}
			}},
	}
}

// untold is a context without the function of WithTorn.
type untold struct{ context.Context }

func (u untold) Value(key any) any {
	value := u.Context.Value(key)
	if _, ok := value.(func(ltx.FileInfo)); ok {
		return nil
	}
	return value
}

func levelsOf(change func([]int) []int) func(*client) ltxstore.ReplicaClient {
	return func(c *client) ltxstore.ReplicaClient { return &leveled{client: c, change: change} }
}

// leveled changes what LTXLevels returns.
type leveled struct {
	*client
	change func([]int) []int
	detach bool
}

func (l *leveled) LTXLevels(ctx context.Context) ([]int, error) {
	if l.detach {
		ctx = context.WithoutCancel(ctx)
	}
	levels, err := l.client.LTXLevels(ctx)
	return l.change(levels), err
}
