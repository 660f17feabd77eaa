package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"time"

	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/internal/chart"
	"github.com/ltxstore/ltxstore/testing/replicatest"
)

func benchCommand() *command {
	return &command{
		name: "bench", args: "URL", min: 1, max: 1, replicas: 1,
		short: "measure the speed of a store",
		long: "Measures how fast a store writes, lists, reads and deletes, in a new prefix below the URL, which it removes at the end. " +
			"It reports operations per second, and the median and worst latency.",
		json: `an array of measures: name, count, bytes, seconds, and in seconds p50, p90, p99, max.`,
		examples: []string{
			"ltxstore bench s3://bucket/scratch",
			"ltxstore bench -files 1000 -svg bench.svg file:///var/replicas/scratch",
		},
		bind: func(flags *flag.FlagSet) func(context.Context, *app, []string) error {
			cmd := &bench{large: 16 << 20}
			flags.IntVar(&cmd.files, "files", 200, "write `N` files of 4 KiB")
			flags.Var((*sizeFlag)(&cmd.large), "large", "`SIZE` of the large files")
			flags.IntVar(&cmd.concurrency, "concurrency", 8, "run `N` operations at a time in the concurrent measurements")
			flags.StringVar(&cmd.svg, "svg", "", "write a chart to `FILE`")
			return cmd.run
		},
	}
}

type bench struct {
	files, concurrency int
	large              int64
	svg                string

	client ltxstore.ReplicaClient
	now    func() time.Time
}

// measure is one row of the result: the latencies of some operations, and how
// long all of them took.
type measure struct {
	Name    string  `json:"name"`
	Count   int     `json:"count"`
	Bytes   int64   `json:"bytes,omitempty"`
	Seconds float64 `json:"seconds"`
	P50     float64 `json:"p50"`
	P90     float64 `json:"p90"`
	P99     float64 `json:"p99"`
	Max     float64 `json:"max"`
}

func (cmd *bench) run(ctx context.Context, a *app, args []string) error {
	if cmd.files < 1 || cmd.concurrency < 1 {
		return usagef("-files is %d and -concurrency %d: want 1 or more", cmd.files, cmd.concurrency)
	}
	if cmd.svg != "" {
		if err := localFile("-svg", cmd.svg); err != nil {
			return err
		}
		if !isDir(filepath.Dir(cmd.svg)) || isDir(cmd.svg) { // before minutes are spent
			return usagef("-svg is %q: want a file in a directory that exists", cmd.svg)
		}
	}
	s, err := a.scratch(ctx, a.at[0], "bench")
	if err != nil {
		return err
	}
	if err := s.usable(ctx); err != nil {
		return err
	}
	client, err := s.open(ctx, "db", nil)
	if err != nil {
		return err
	}
	cmd.client, cmd.now = client, a.now
	p := a.watch()
	var measures []measure
	steps := cmd.steps()
	for i, step := range steps {
		p.step(i, len(steps), step.name)
		var m measure
		if m, err = cmd.measure(ctx, step); err != nil {
			err = fmt.Errorf("%s: %w", step.name, err)
			break
		}
		measures = append(measures, m)
	}
	p.done()
	err = errors.Join(err, s.remove(ctx), ltxstore.Close(client))
	if ctx.Err() != nil {
		return &interruption{"what was written is removed", err}
	}
	if err == nil && cmd.svg != "" {
		err = cmd.draw(measures)
	}
	switch {
	case err != nil:
		return err
	case a.json:
		a.writeJSON(measures)
	default:
		a.measured(measures)
	}
	return nil
}

// step is an operation to measure: how many times, and how many at a time.
type step struct {
	name     string
	count    int
	atOnce   int
	bytes    int64 // of each
	perCount int   // operations of one call; 0 means 1
	do       func(ctx context.Context, i int) error
}

func (cmd *bench) steps() []step {
	const largeFiles, ranges = 4, 100
	small := replicatest.NewLTXFile(2, 2, time.Unix(0, 0), 1)[ltx.HeaderSize:]
	body := func(txid ltx.TXID) []byte { // another header before the same page
		hdr := ltx.Header{Version: ltx.Version, PageSize: 4096, Commit: 1, MinTXID: txid, MaxTXID: txid, Timestamp: cmd.now().UnixMilli(), Flags: ltx.HeaderFlagNoChecksum}
		head, err := hdr.MarshalBinary()
		if err != nil {
			panic(err) // all fields are right
		}
		return append(head, small...)
	}
	large := replicatest.NewLTXFile(1, 1, time.Unix(0, 0), int(max(cmd.large/4096, 1)))
	write := func(level int) func(context.Context, int) error {
		return func(ctx context.Context, i int) error {
			txid := ltx.TXID(i + 2)
			_, err := cmd.client.WriteLTXFile(ctx, level, txid, txid, bytes.NewReader(body(txid)))
			return err
		}
	}
	read := func(ctx context.Context, level int, offset, size int64) error {
		r, err := cmd.client.OpenLTXFile(ctx, level, 1, 1, offset, size)
		if err != nil {
			return err
		}
		_, err = io.Copy(io.Discard, r)
		return errors.Join(err, r.Close())
	}
	list := func(seek ltx.TXID) func(context.Context, int) error {
		return func(ctx context.Context, _ int) error {
			files, err := cmd.client.LTXFiles(ctx, 0, seek, false)
			if err != nil {
				return err
			}
			for files.Next() {
			}
			return files.Close()
		}
	}
	n := cmd.files
	return []step{
		{"write 4 KiB", n, 1, 4096, 0, write(0)},
		{fmt.Sprintf("write 4 KiB, %d at a time", cmd.concurrency), n, cmd.concurrency, 4096, 0, write(1)},
		{"write " + humanSize(int64(len(large))), largeFiles, 1, int64(len(large)), 0, func(ctx context.Context, i int) error {
			_, err := cmd.client.WriteLTXFile(ctx, 2+i, 1, 1, bytes.NewReader(large))
			return err
		}},
		{"read " + humanSize(int64(len(large))), largeFiles, 1, int64(len(large)), 0, func(ctx context.Context, i int) error { return read(ctx, 2+i, 0, 0) }},
		{"read 4 KiB of it", ranges, 1, 4096, 0, func(ctx context.Context, i int) error {
			return read(ctx, 2+i%largeFiles, rand.Int64N(int64(len(large)-4096)), 4096)
		}},
		{fmt.Sprintf("list %d files", n), 5, 1, 0, n, list(0)},
		{"list the last file", 5, 1, 0, 0, list(ltx.TXID(n + 1))},
		{fmt.Sprintf("delete %d files", n), 2, 1, 0, n, func(ctx context.Context, i int) error {
			files := make([]*ltx.FileInfo, n)
			for j := range files {
				files[j] = &ltx.FileInfo{Level: i, MinTXID: ltx.TXID(j + 2), MaxTXID: ltx.TXID(j + 2)}
			}
			return cmd.client.DeleteLTXFiles(ctx, files)
		}},
	}
}

// measure runs a step. It ends with the first failure, because the others
// would be the same.
func (cmd *bench) measure(ctx context.Context, s step) (measure, error) {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	took := make([]time.Duration, s.count)
	next := make(chan int)
	begun := cmd.now()
	var wg sync.WaitGroup
	for range s.atOnce {
		wg.Go(func() {
			for i := range next {
				at := cmd.now()
				if err := s.do(ctx, i); err != nil {
					stop(err)
				}
				took[i] = cmd.now().Sub(at)
			}
		})
	}
	for i := 0; i < s.count && ctx.Err() == nil; i++ {
		next <- i
	}
	close(next)
	wg.Wait()
	seconds := cmd.now().Sub(begun).Seconds()
	sorted := chart.Of(took)
	at := func(part float64) float64 { return sorted.At(part).Seconds() }
	return measure{
		Name: s.name, Count: s.count * max(s.perCount, 1), Bytes: s.bytes * int64(s.count), Seconds: seconds,
		P50: at(0.5), P90: at(0.9), P99: at(0.99), Max: at(1),
	}, context.Cause(ctx)
}

func (a *app) measured(measures []measure) {
	t := table{heading: []string{"", "A SECOND", "", "P50", "P90", "P99", "MAX"},
		right: map[int]bool{1: true, 2: true, 3: true, 4: true, 5: true, 6: true}}
	for _, m := range measures {
		rate, bytes := "-", ""
		if m.Seconds > 0 {
			rate = strconv.FormatFloat(float64(m.Count)/m.Seconds, 'f', 1, 64)
			if m.Bytes > 0 {
				bytes = humanSize(int64(float64(m.Bytes)/m.Seconds)) + "/s"
			}
		}
		t.add(m.Name, rate, bytes, latency(m.P50), latency(m.P90), latency(m.P99), latency(m.Max))
	}
	t.write(a.out, a.width)
}

// latency formats a duration with three digits.
func latency(seconds float64) string {
	d := time.Duration(seconds * float64(time.Second))
	switch {
	case d < time.Millisecond:
		return fmt.Sprintf("%d us", d.Microseconds())
	case d < 100*time.Millisecond:
		return fmt.Sprintf("%.1f ms", float64(d)/float64(time.Millisecond))
	case d < time.Second:
		return fmt.Sprintf("%d ms", d.Milliseconds())
	}
	return fmt.Sprintf("%.1f s", seconds)
}

// draw draws a chart of the latencies.
func (cmd *bench) draw(measures []measure) error {
	c := chart.Chart{Title: "Latency of each operation", Note: "the bar ends at the median, the line at the 99th percentile; logarithmic"}
	for _, m := range measures {
		c.Bars = append(c.Bars, chart.Bar{Label: m.Name, Value: max(m.P50, 1e-6), High: m.P99, Text: latency(m.P50)})
	}
	var svg bytes.Buffer
	err := c.Write(&svg)
	if err == nil {
		err = os.WriteFile(cmd.svg, svg.Bytes(), 0o644)
	}
	return err
}
