package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"slices"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/v03"
)

// isV03 reports whether a replica is one of Litestream v0.3. It is called if
// there is no LTX file.
func isV03(ctx context.Context, client ltxstore.ReplicaClient) bool {
	generations, err := v03.List(ctx, client)
	return err == nil && slices.ContainsFunc(generations, func(g *v03.Generation) bool { return len(g.Snapshots)+len(g.Segments) > 0 })
}

// lsV03 lists the generations of v0.3, or the files of one.
func (a *app) lsV03(ctx context.Context, client ltxstore.ReplicaClient, generation string) error {
	if generation != "" {
		return a.lsGeneration(ctx, client, generation)
	}
	generations, err := v03.List(ctx, client)
	if err != nil {
		return err
	}
	if a.json {
		for _, g := range generations {
			_ = json.NewEncoder(a.out).Encode(g) // the output remembers any error
		}
		return nil
	}
	t := table{heading: []string{"GENERATION", "SNAPSHOTS", "SEGMENTS", "SIZE", "LAST"}, right: map[int]bool{1: true, 2: true, 3: true}}
	for _, g := range generations {
		size := int64(0)
		for _, s := range g.Snapshots {
			size += s.Size
		}
		for _, s := range g.Segments {
			size += s.Size
		}
		_, last := g.Bounds()
		t.add(g.Name, fmt.Sprint(len(g.Snapshots)), fmt.Sprint(len(g.Segments)), humanSize(size), moment(last))
	}
	t.write(a.out, a.width)
	a.printf("a replica of Litestream v0.3: restore reads it, cp converts it to LTX files\n")
	return nil
}

// lsGeneration lists the files of a generation of v0.3.
func (a *app) lsGeneration(ctx context.Context, client ltxstore.ReplicaClient, name string) error {
	g, err := v03.Find(ctx, client, name)
	if err != nil {
		return err
	}
	if a.json {
		return json.NewEncoder(a.out).Encode(g)
	}
	t := table{heading: []string{"KIND", "INDEX", "OFFSET", "SIZE", "STORED"}, right: map[int]bool{3: true}}
	for _, s := range g.Snapshots {
		t.add("snapshot", fmt.Sprintf("%08x", s.Index), "", humanSize(s.Size), moment(s.CreatedAt))
	}
	for _, s := range g.Segments {
		t.add("segment", fmt.Sprintf("%08x", s.Index), fmt.Sprintf("%08x", s.Offset), humanSize(s.Size), moment(s.CreatedAt))
	}
	t.write(a.out, a.width)
	return nil
}

// ofV03 calls do, which -generation asks for, if a replica is one of v0.3.
func (a *app) ofV03(ctx context.Context, client ltxstore.ReplicaClient, do func() error) error {
	if isV03(ctx, client) {
		return do()
	}
	switch levels, err := levelsOf(ctx, client); {
	case err != nil:
		return err
	case len(levels) == 0:
		return a.nothing(ctx, a.at[0])
	}
	return usagef("-generation is for replicas of Litestream v0.3, but this replica has LTX files: omit -generation")
}

// restoreV03 restores from a replica of Litestream v0.3.
func (cmd *restoring) restoreV03(ctx context.Context, a *app, client ltxstore.ReplicaClient, path string) error {
	if cmd.cfg.Target.TXID != 0 {
		return usagef("-txid is for LTX files, but this is a replica of Litestream v0.3: use -timestamp, -generation or neither")
	}
	p := a.watch()
	result, err := v03.Restore(ctx, client, path, v03.RestoreConfig{
		Target:    v03.Target{Generation: cmd.generation, At: cmd.until},
		Overwrite: cmd.cfg.Overwrite, Mode: cmd.cfg.Mode, Check: cmd.cfg.Check,
		SkipDamaged: cmd.cfg.SkipDamaged, Concurrency: cmd.cfg.Concurrency,
		Progress: func(now v03.Progress) {
			p.show(now.Bytes, now.TotalBytes, fmt.Sprintf("file %d of %d", now.Files, now.TotalFiles))
		},
	})
	p.done()
	damage, empty := new(v03.DamageError), new(v03.EmptyError)
	switch {
	case err == nil:
	case errors.As(err, &empty) && empty.Generations == 0:
		return a.nothing(ctx, a.at[0])
	case errors.Is(err, fs.ErrExist):
		return fmt.Errorf("%s or its journal already exists; to replace it: -force", path)
	case ctx.Err() != nil:
		return &interruption{"nothing was written", err}
	case errors.As(err, &damage) && !cmd.cfg.SkipDamaged:
		return fmt.Errorf("%w; to restore what precedes it: -skip-damaged", err)
	default:
		return err
	}
	a.warnV03(restoreCommand(), result)
	if a.json {
		a.writeJSON(result)
		return nil
	}
	a.printf("restored generation %s to index %08x, offset %d\n", result.Generation, result.Index, result.Offset)
	a.printf("stored at %s\n", moment(result.Time))
	a.printf("%s of %d bytes, from %s of %s\n", count(int64(result.Pages), "page"), result.PageSize, count(result.Files, "file"), humanSize(result.Bytes))
	if cmd.integrity {
		a.printf("SQLite's integrity_check: ok\n")
	}
	return nil
}

// warnV03 warns of what was skipped.
func (a *app) warnV03(cmd *command, result *v03.Result) {
	for _, damage := range result.LeftOut {
		a.warn(cmd, damage.Error()+": skipped, with everything after it")
	}
	if result.Uncommitted > 0 {
		a.warn(cmd, fmt.Sprintf("%s of incomplete transactions ignored, as by SQLite", count(result.Uncommitted, "frame")))
	}
}

// convert converts a replica of Litestream v0.3 into LTX files.
func (cmd *cp) convert(ctx context.Context, a *app, dst, src ltxstore.ReplicaClient) error {
	if cmd.cfg.DryRun || len(cmd.cfg.Levels) > 0 || cmd.cfg.Replace {
		return usagef("the source is a replica of Litestream v0.3: -dry-run, -level and -replace are only for LTX files")
	}
	p := a.watch()
	result, err := v03.Convert(ctx, dst, src, v03.ConvertConfig{
		Generation: cmd.generation, SkipDamaged: cmd.cfg.CopyDamaged,
		Progress: func(now v03.Progress) {
			p.show(now.Bytes, now.TotalBytes, fmt.Sprintf("file %d of %d", now.Files, now.TotalFiles))
		},
	})
	p.done()
	damage := new(v03.DamageError)
	switch {
	case err == nil:
	case ctx.Err() != nil:
		return &interruption{"converted files are kept; run it again to continue", err}
	case errors.As(err, &damage) && !cmd.cfg.CopyDamaged:
		return fmt.Errorf("%w; to convert what precedes it: -damaged", err)
	default:
		return err
	}
	a.warnV03(cpCommand(), &result.Result)
	for _, name := range result.Others {
		a.warn(cpCommand(), "generation "+name+" has another history and was not converted: -generation "+name+" converts it, to another place")
	}
	if a.json {
		a.writeJSON(result)
		return nil
	}
	a.printf("converted generation %s to transaction %s\n", result.Generation, result.TXID)
	a.printf("%s written, %d already existed\n", count(result.Written, "LTX file"), result.Skipped)
	return nil
}

// verifyV03 verifies a replica of v0.3.
func (a *app) verifyV03(ctx context.Context, client ltxstore.ReplicaClient, generation string, concurrency int) error {
	p := a.watch()
	report, err := v03.Verify(ctx, client, v03.VerifyConfig{Generation: generation, Concurrency: concurrency, Progress: func(now v03.Progress) {
		p.show(now.Bytes, 0, count(now.Files, "file"))
	}})
	p.done()
	if err != nil {
		return err
	}
	if a.json {
		a.writeJSON(report)
	} else {
		for _, damage := range report.Damaged {
			a.printf("%s\n", wrapped("damaged: "+damage.Error(), a.width, "  "))
		}
		for _, name := range report.Surplus {
			a.printf("%s\n", wrapped("surplus: "+name, a.width, "  "))
		}
		a.printf("Litestream v0.3: %s, %s, %d damaged or missing, %d surplus\n",
			count(report.Files, "file"), humanSize(report.Bytes), len(report.Damaged), len(report.Surplus))
	}
	if !report.OK() {
		return errProblems
	}
	return nil
}
