package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/dustin/go-humanize"

	"github.com/ltxstore/ltxstore/interop/dbcheck"
	"github.com/ltxstore/ltxstore/interop/engine"
)

// finish stops everything, shows the files of the replica, and compares
// restores of it with the source.
func (s *session) finish(ctx context.Context) error {
	ran := time.Since(s.began)
	if err := s.source.stop(); err != nil {
		return err
	}
	last, err := s.daemon.Mark(ctx)
	if err != nil {
		return err
	}
	s.screen.busy(fmt.Sprintf("%-9s the last sync", "stopping"))
	done, err := s.done(ctx)
	if err != nil {
		return err
	}
	if err := s.daemon.Close(ctx); err != nil {
		return err
	}
	all, err := levels(ctx, s.client)
	if err != nil {
		return err
	}
	s.screen.say("done", "%s in %s", done, seconds(ran))
	for _, l := range all {
		s.screen.say("", "%v", l)
	}

	// The newest state, if no other process can have written since the mark.
	target := engine.Target{}
	if s.source.load == nil {
		target.TXID = last.TXID
	}
	failures := []error{s.verify(ctx, "latest", "latest", target, last.Content)}
	if mark, ok := s.middle(ran); ok {
		at := "at " + seconds(mark.Time.Sub(s.began))
		failures = append(failures, s.verify(ctx, "earlier", at, engine.Target{Time: mark.Time}, mark.Content))
	}
	if err := errors.Join(failures...); err != nil {
		return err
	}
	s.screen.say("OK", "what was restored equals the source")
	return nil
}

// middle returns the mark that is nearest to the middle of the run.
func (s *session) middle(ran time.Duration) (nearest engine.Mark, ok bool) {
	best := ran
	for _, mark := range s.marks {
		if off := (mark.Time.Sub(s.began) - ran/2).Abs(); off <= best {
			nearest, best, ok = mark, off, true
		}
	}
	return nearest, ok
}

// verify restores target and compares it with the content of the source at that
// time.
func (s *session) verify(ctx context.Context, name, label string, target engine.Target, want dbcheck.Content) error {
	s.screen.busy(fmt.Sprintf("%-9s restoring", label))
	path := filepath.Join(s.dir, "restored-"+name+".db")
	began := time.Now()
	if err := engine.Restore(ctx, s.client, path, target, s.logger); err != nil {
		return err
	}
	took := time.Since(began)
	if err := compare(ctx, path, want); err != nil {
		s.screen.say(label, "DIFFERS")
		return fmt.Errorf("%s: %w", target, err)
	}
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	s.screen.say(label, "restored in %v (%s): integrity_check ok, all %s equal",
		took.Round(time.Millisecond), humanize.Bytes(uint64(info.Size())), count(want.Rows(), "row"))
	return nil
}

func compare(ctx context.Context, path string, want dbcheck.Content) error {
	if err := dbcheck.Integrity(ctx, path); err != nil {
		return err
	}
	got, err := dbcheck.ReadFile(ctx, path)
	if err != nil {
		return err
	}
	if err := want.Check(got); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
}
