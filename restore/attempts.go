package restore

import (
	"cmp"
	"context"
	"errors"
	"slices"

	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/internal/ltxio"
)

// LeftOut is a file that a restore did not use, and the reason.
type LeftOut struct {
	Level   int      `json:"level"`
	MinTXID ltx.TXID `json:"min_txid"`
	MaxTXID ltx.TXID `json:"max_txid"`
	Reason  string   `json:"reason"`
}

// String returns the level and name of the file, and the reason.
func (l LeftOut) String() string {
	return ltxio.Name(l.Level, l.MinTXID, l.MaxTXID) + ": " + l.Reason
}

func leftOut(torn []ltx.FileInfo) (out []LeftOut) {
	for _, info := range torn {
		out = append(out, LeftOut{info.Level, info.MinTXID, info.MaxTXID, "it is empty after an incomplete upload"})
	}
	return out
}

// attempts makes plans and calls do until a plan succeeds. It makes a new plan if
// files were deleted or, with SkipDamaged, are damaged.
func attempts(ctx context.Context, client ltxstore.ReplicaClient, about string, cfg Config, do func(*Plan) (*Result, error)) (*Result, error) {
	known := &knowledge{client: client, cfg: cfg, damaged: make(map[fileName]LeftOut)}
	for gone := 0; ; {
		plan, err := known.plan(ctx)
		var result *Result
		if err == nil {
			result, err = do(plan)
			if err != nil && cfg.SkipDamaged {
				if err = known.learn(ctx, plan, err); err == nil {
					continue
				}
			}
		}
		vanished, unreachable, late := new(goneError), new(UnreachableError), new(lateError)
		switch {
		case err == nil:
			result.LeftOut = append(leftOut(plan.Torn), known.leftOut(plan)...)
			return result, nil
		case errors.As(err, &unreachable):
			unreachable.LeftOut = append(unreachable.LeftOut, known.leftOut(&Plan{})...)
			return nil, err
		case errors.As(err, &vanished):
			if gone++; gone == maxAttempts {
				return nil, vanishing(client, about, err)
			}
		case errors.As(err, &late) && !known.late:
			known.late = true
		default:
			return nil, err
		}
	}
}

// knowledge is what attempts have learned about the files of a replica.
type knowledge struct {
	client    ltxstore.ReplicaClient
	cfg       Config
	damaged   map[fileName]LeftOut
	conflicts []*conflictError

	late      bool // a file was later than assumed: clocks ran backwards
	histories bool // there are several, so that files must be combined by their checksums
}

type fileName struct {
	level    int
	min, max ltx.TXID
}

func nameOf(info *ltx.FileInfo) fileName { return fileName{info.Level, info.MinTXID, info.MaxTXID} }

func (k *knowledge) plan(ctx context.Context) (*Plan, error) {
	if k.histories {
		return k.history(ctx)
	}
	var damaged func(*ltx.FileInfo, error)
	if k.cfg.SkipDamaged {
		damaged = k.isDamaged
	}
	return newPlan(ctx, k.client, k.cfg.Target, k.skip, damaged, !k.late)
}

func (k *knowledge) skip(info *ltx.FileInfo) bool {
	_, damaged := k.damaged[nameOf(info)]
	return damaged || k.cfg.Skip != nil && k.cfg.Skip(info)
}

func (k *knowledge) isDamaged(info *ltx.FileInfo, err error) {
	k.damaged[nameOf(info)] = LeftOut{info.Level, info.MinTXID, info.MaxTXID, reason(err)}
}

// reason returns the error's text without the operation and the file's name.
func reason(err error) string {
	for {
		inner := new(ltxstore.Error)
		if !errors.As(err, &inner) || inner.Err == nil {
			return err.Error()
		}
		err = inner.Err
	}
}

// learn records the failure of a plan, to make a better plan. If that is not possible,
// it returns the failure, or an error of its own. It returns nil a limited number of
// times: each time but one, another file is left out.
func (k *knowledge) learn(ctx context.Context, plan *Plan, failure error) error {
	damaged, conflict, whole := new(damagedError), new(conflictError), new(wholeError)
	switch {
	case errors.As(failure, &damaged):
		for _, f := range damaged.files {
			k.isDamaged(f.info, f.err)
		}
	case errors.As(failure, &conflict) && !k.histories:
		k.histories = true
		k.conflicts = append(k.conflicts, conflict)
	case errors.As(failure, &conflict):
		k.isDamaged(conflict.newer, conflict)
	case errors.As(failure, &whole):
		info, err := k.wrong(ctx, plan)
		if err != nil {
			return err
		}
		k.isDamaged(info, whole)
	default:
		return failure
	}
	return nil
}

// wrong finds the first file of a plan after which the database is wrong. It bisects,
// with about log2(n) dry runs for a plan of n files.
func (k *knowledge) wrong(ctx context.Context, plan *Plan) (*ltx.FileInfo, error) {
	right, wrong := 0, len(plan.Files)
	for wrong-right > 1 {
		half := (right + wrong) / 2
		_, err := dryRun(ctx, k.client, &Plan{Files: plan.Files[:half]}, k.cfg)
		switch {
		case err == nil:
			right = half
		case errors.Is(err, ltxstore.ErrChecksum):
			wrong = half
		default:
			return nil, err
		}
	}
	return plan.Files[wrong-1], nil
}

// leftOut returns the files that are known to be damaged, and those of other
// histories that are not in the plan.
func (k *knowledge) leftOut(plan *Plan) (out []LeftOut) {
	for _, file := range k.damaged {
		out = append(out, file)
	}
	for _, conflict := range k.conflicts {
		for _, info := range []*ltx.FileInfo{conflict.older, conflict.newer} {
			same := func(other *ltx.FileInfo) bool { return nameOf(other) == nameOf(info) }
			if !slices.ContainsFunc(plan.Files, same) {
				out = append(out, LeftOut{info.Level, info.MinTXID, info.MaxTXID, "it has another history than other files"})
			}
		}
	}
	slices.SortFunc(out, func(a, b LeftOut) int {
		return cmp.Or(cmp.Compare(a.Level, b.Level), cmp.Compare(a.MinTXID, b.MinTXID), cmp.Compare(a.MaxTXID, b.MaxTXID))
	})
	return out
}
