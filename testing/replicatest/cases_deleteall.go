package replicatest

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/superfly/ltx"
)

func deleteAllFailureCases() []Case {
	return []Case{
		{ID: "delete-all/list-fails", Clauses: []string{"D2"}, Needs: []Capability{FewRequests, FailingLists, RawAccess},
			Rule: "A DeleteAll that cannot list everything returns an error, or has deleted everything.", run: deleteAllListFails},
		{ID: "delete-all/delete-fails", Clauses: []string{"D1", "D2"}, Needs: []Capability{FailingDeletes, RawAccess},
			Rule: "A DeleteAll that cannot delete a file returns an error and deletes the others.", run: deleteAllDeleteFails},
	}
}

func deleteAllListFails(ctx context.Context, e *env) error {
	if _, err := e.writePages(ctx); err != nil {
		return err
	}
	e.Faults.Lists()
	_, err := e.deletedAll(ctx)
	return err
}

func deleteAllDeleteFails(ctx context.Context, e *env) error {
	stuck, others := file{0, 2, 2}, []file{{0, 1, 1}, {0, 2, 4}, {0, 3, 3}, {1, 2, 2}, {9, 1, 2}, {9, 1, 3}}
	if err := e.writeAll(ctx, append(slices.Clone(others), stuck)...); err != nil {
		return err
	}
	e.Faults.Deletes(func(level int, minTXID, maxTXID ltx.TXID) bool { return minTXID == stuck.min && maxTXID == stuck.max })
	left, err := e.deletedAll(ctx)
	if err != nil {
		return err
	}
	for _, f := range others {
		if (f.min != stuck.min || f.max != stuck.max) && slices.Contains(left, e.Raw.Keys.File(f.level, f.min, f.max)) {
			return fmt.Errorf("%v is left, although it can be deleted", f)
		}
	}
	return nil
}

// deletedAll calls DeleteAll and returns what is left. If anything is,
// DeleteAll must have failed.
func (e *env) deletedAll(ctx context.Context) (left []string, err error) {
	deleted := e.client.DeleteAll(ctx)
	left, err = e.keys(ctx)
	switch {
	case err != nil:
		return nil, err
	case deleted == nil && len(left) > 0:
		return nil, fmt.Errorf("DeleteAll succeeds and leaves %d keys, such as %q", len(left), left[0])
	case deleted != nil && errorIsMissing(deleted):
		return nil, fmt.Errorf("a failed DeleteAll is reported as a missing file: %w", deleted)
	case deleted != nil && errors.Is(deleted, context.Canceled):
		return nil, deleted
	}
	return left, nil
}
