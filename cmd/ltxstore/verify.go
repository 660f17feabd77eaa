package main

import (
	"context"
	"flag"
	"fmt"
	"strconv"
	"strings"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/verify"
)

func verifyCommand() *command {
	return &command{
		name: "verify", args: "URL", min: 1, max: 1, replicas: 1,
		short: "check every file of a replica and what can be restored",
		long: "Reads every file whole and verifies its checksums, compares its header with its name, looks for gaps and overlaps on each level, " +
			"and finds the newest state that can be restored, by restoring it without writing it. It changes nothing. If it finds problems, the exit code is 3.",
		json: `complete, unchecked (levels), files, bytes, levels, restore (txid, time, skip_damaged, by_txid), restore_unknown, findings (severity, kind, level, min_txid, max_txid, message).`,
		examples: []string{
			"ltxstore verify s3://bucket/db",
			"ltxstore verify -json file:///var/replicas/db | jq .restore.txid",
		},
		bind: func(flags *flag.FlagSet) func(context.Context, *app, []string) error {
			cmd := new(verifying)
			flags.IntVar(&cmd.cfg.Concurrency, "concurrency", 4, "read `N` files at a time")
			flags.StringVar(&cmd.generation, "generation", "", "verify only `GENERATION` of a replica of Litestream v0.3")
			return cmd.run
		},
	}
}

type verifying struct {
	cfg        verify.Config
	generation string // of a replica of v0.3
}

func (cmd *verifying) run(ctx context.Context, a *app, args []string) error {
	if cmd.cfg.Concurrency < 1 {
		return usagef("-concurrency is %d: want 1 or more", cmd.cfg.Concurrency)
	}
	return a.with(ctx, a.at[0], func(client ltxstore.ReplicaClient) error {
		if cmd.generation != "" {
			return a.ofV03(ctx, client, func() error { return a.verifyV03(ctx, client, cmd.generation, cmd.cfg.Concurrency) })
		}
		p := a.watch()
		cmd.cfg.Progress = func(now verify.Progress) {
			at := fmt.Sprintf("level %d", now.Level)
			if now.Level < 0 {
				at = "what can be restored"
			}
			p.show(now.Bytes, 0, fmt.Sprintf("%s, %s, %s", count(now.Files, "file"), at, count(now.Findings, "finding")))
		}
		report, err := verify.Run(ctx, client, cmd.cfg)
		p.done()
		switch {
		case report.Complete && report.Files == 0 && len(report.Findings) == 0:
			if isV03(ctx, client) {
				return a.verifyV03(ctx, client, "", cmd.cfg.Concurrency)
			}
			return a.nothing(ctx, a.at[0])
		case a.json:
			a.writeJSON(report)
		default:
			a.verified(report)
		}
		if err != nil {
			return &interruption{count(report.Files, "file") + " verified", err}
		}
		if !report.OK() {
			if what := foreign(ctx, client); what != "" {
				a.warn(verifyCommand(), what)
			}
			return errProblems
		}
		return nil
	})
}

// verified writes a report as text.
func (a *app) verified(r *verify.Report) {
	t := table{heading: []string{"LEVEL", "FILES", "SIZE", "FIRST", "LAST"}, right: map[int]bool{0: true, 1: true, 2: true}}
	for _, l := range r.Levels {
		t.add(strconv.Itoa(l.Level), strconv.Itoa(l.Files), humanSize(l.Bytes), l.First.String(), l.Last.String())
	}
	t.write(a.out, a.width)
	if len(r.Findings) > 0 {
		a.printf("\n")
		f := table{heading: []string{"", "KIND", "FINDING"}}
		const most = 100
		for _, finding := range r.Findings[:min(len(r.Findings), most)] {
			f.add(string(finding.Severity), string(finding.Kind), finding.Message)
		}
		f.write(a.out, a.width)
		if len(r.Findings) > most {
			a.printf("and %d more: see -json\n", len(r.Findings)-most)
		}
	}
	a.printf("\n%s, %s: %s, %s\n", count(r.Files, "file"), humanSize(r.Bytes),
		count(r.Count(verify.Error), "error"), count(r.Count(verify.Warning), "warning"))
	if len(r.Unchecked) > 0 {
		a.printf("not checked completely: %s\n", levelList(r.Unchecked))
	}
	switch {
	case r.RestoreUnknown:
		a.printf("it is unknown what can be restored\n")
	case r.Restore == nil:
		a.printf("nothing can be restored\n")
	default:
		a.printf("can be restored to transaction %s of %s\n%s", r.Restore.TXID, moment(r.Restore.Time), needed(r.Restore))
	}
}

// levelList returns levels in words.
func levelList(levels []int) string {
	if len(levels) == 1 {
		return fmt.Sprintf("level %d", levels[0])
	}
	text := strings.Trim(fmt.Sprint(levels), "[]")
	return "levels " + strings.ReplaceAll(text, " ", ", ")
}

// needed returns a line with the flags that a restore needs, if it needs any.
func needed(s *verify.State) (text string) {
	if s.ByTXID {
		text += " -txid " + s.TXID.String()
	}
	if s.SkipDamaged {
		text += " -skip-damaged"
	}
	if text != "" {
		text = "to restore that:" + text + "\n"
	}
	return text
}
