package verify

import (
	"cmp"
	"context"
	"errors"

	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/restore"
)

// restorable finds the newest state that can be restored, with dry runs: of the newest
// state, then without damaged files, then of the last transaction before a gap.
func (v *verifier) restorable(ctx context.Context) {
	whole := file{level: -1}
	v.report.RestoreUnknown = true
	cfg := restore.Config{Concurrency: cmp.Or(v.cfg.Concurrency, defaultConcurrency), Progress: func(now restore.Progress) {
		v.progress(Progress{Level: -1, Files: v.report.Files, Bytes: v.report.Bytes + now.Bytes})
	}}
	var first error // why the newest state cannot be restored by default
	for ctx.Err() == nil {
		result, err := restore.DryRun(ctx, v.client, cfg)
		var unreachable *restore.UnreachableError
		switch {
		case err == nil:
			v.report.RestoreUnknown = false
			v.report.Restore = &State{TXID: result.TXID, Time: result.Time, Files: result.Files, Bytes: result.Bytes,
				SkipDamaged: cfg.SkipDamaged, ByTXID: cfg.Target.TXID != 0}
			v.explain(first)
			return
		case ctx.Err() != nil:
			return
		case errors.As(err, &unreachable):
			if unreachable.Empty {
				v.report.RestoreUnknown = false
				return // that is not an error
			}
			if _, damaged := first.(*restore.UnreachableError); !damaged {
				first = unreachable
			}
			last := unreachable.Last
			if last == 0 || cfg.Target.TXID != 0 && last >= cfg.Target.TXID {
				v.report.RestoreUnknown = false
				v.explain(first)
				return
			}
			cfg.Target.TXID, cfg.SkipDamaged, cfg.Skip = last, false, nil
		case errors.Is(err, ltxstore.ErrChecksum) && !cfg.SkipDamaged:
			if first == nil {
				first = err
			}
			cfg.SkipDamaged, cfg.Skip = true, v.skip // known files need not be read again
		default:
			v.report.Complete = false
			v.find(Error, KindList, whole, "cannot determine what can be restored: %v", err)
			return
		}
	}
}

// skip reports whether a restore should skip a file.
func (v *verifier) skip(info *ltx.FileInfo) bool { return v.bad[nameOf(info)] }

// explain adds a finding about why the newest state cannot be restored, and what can be
// restored instead.
func (v *verifier) explain(why error) {
	if why == nil {
		return
	}
	whole, state := file{level: -1}, v.report.Restore
	switch {
	case state == nil:
		v.find(Error, KindRestore, whole, "nothing can be restored: %v", why)
	case !state.ByTXID && state.TXID < v.newest:
		v.find(Error, KindRestore, whole, "transactions %s to %s are only in files that are damaged or have another history; previous ones can be restored %s", state.TXID+1, v.newest, state.how())
	case state.ByTXID:
		v.find(Error, KindRestore, whole, "the newest state cannot be restored: %v; transaction %s can be restored %s", why, state.TXID, state.how())
	default:
		v.find(Error, KindRestore, whole, "the newest state can be restored only %s: %v", state.how(), why)
	}
}
