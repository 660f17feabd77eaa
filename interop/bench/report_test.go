package bench_test

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// ratio is how many times our time Litestream needs.
func (l line) ratio() float64 {
	return float64(l.results[1].Time) / float64(l.results[0].Time)
}

// heading is the first line of each row's text.
func (l line) heading() string {
	return fmt.Sprintf("%s (%s): %s", l.row.backend, l.server, l.title)
}

// text is the row as the terminal shows it.
func (l line) text() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %.2fx Litestream\n", l.heading(), l.ratio())
	for _, r := range l.results {
		fmt.Fprintf(&b, "  %-10s %s\n", r.Name, strings.Join(l.cells(r), "  "))
	}
	return b.String()
}

// cells are a contestant's values, with their units.
func (l line) cells(r result) []string {
	wire := []string{"–", "–"}
	if l.counted {
		wire = []string{fmt.Sprintf("%.4g", r.Requests), bytesText(r.WireBytes)}
	}
	return append(append([]string{timeText(r.Time), timeText(r.Min) + "–" + timeText(r.Max), timeText(r.CPU)}, wire...),
		fmt.Sprintf("%.0f", r.Allocs), bytesText(r.Bytes), bytesText(float64(r.Peak)))
}

func timeText(d time.Duration) string {
	switch {
	case d >= time.Second:
		return fmt.Sprintf("%.2f s", d.Seconds())
	case d >= time.Millisecond:
		return fmt.Sprintf("%.3g ms", float64(d)/1e6)
	}
	return fmt.Sprintf("%.3g µs", float64(d)/1e3)
}

func seconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }

func bytesText(n float64) string {
	switch {
	case n >= mib:
		return fmt.Sprintf("%.1f MiB", n/mib)
	case n >= 1<<10:
		return fmt.Sprintf("%.1f KiB", n/(1<<10))
	}
	return fmt.Sprintf("%.0f B", n)
}

const lead = `# Benchmarks

Written by ` + "`make bench`" + `: do not edit. Our clients, those of Litestream v0.5.18, and bare calls of the SDK or the system do the same
work on the same server with default settings, on a machine with %d CPUs (%s, %s).

`

const profile = `## Where the CPU time of a restore goes

In a restore of 512 MiB from a disk, according to a CPU profile (0.75 s per GiB):

| part | share |
|---|--:|
| checksums of pages, file and database: one CRC-64 for all three | 33 % |
| writing the pages: ` + "`" + `pwrite` + "`" + `, up to 256 KiB at a time | 28 % |
| copies and clearing of memory | 15 % |
| reading the file | 12 % |
| LZ4, of pages that do not compress, and the order of batches | 6 % |
| ` + "`" + `sync_file_range` + "`" + `, so that the final fsync has little to do | 6 % |

Where the kernel has little free memory, ` + "`" + `pwrite` + "`" + ` takes up to three times as long.
Checksums and LZ4 run on all CPUs, concurrently with reading and writing.

`

const repeat = `## Repeat it

` + "```sh" + `
make bench                                                          # all rows, written to this page: about 20 minutes
make bench BENCH_FLAGS='-rows "s3: restore" -rounds 3'              # some rows, written to the terminal
` + "```" + `

Close all other programs: the times depend on the machine and its load. The contestants of a row are measured in turn, so that
ratios are more reliable than times. [cost.md](cost.md) has the cost of requests, and [scale.md](scale.md) is about many databases.

`

const preamble = `## All rows

One process does the work of all contestants, in turn within each round. Servers and the network run in other processes.

- The time is the median of %d rounds, or of at least %d for slow rows, of one operation; the spread is from the fastest round to the slowest.
- The CPU time is that of this process and its system calls on all CPUs. Other programs on the machine influence it less
  than the time.
- A local proxy counts requests and bytes, including headers. In some rows it also adds a delay of 20 ms, or limits the
  bandwidth of connections. The gcs server, internal/testkit/gcsfake, does so itself.
- Allocations are those of the whole process, in which only the client runs. The peak of the heap is the increase in a
  separate run with frequent garbage collection (GOGC=5).
- Bare writes to a disk fsync the file and its directory, as ours and Litestream's do. PutObject does not accept a pipe. A
  bare restore from a disk decodes a snapshot with ltx into a file. From a bucket, it only downloads all files, with as many
  connections as a restore: that is the limit of the network and the server.
- The ratio in bold is Litestream's time divided by ours.
- In listings of S3 and GCS all three have one page in memory at a time; the peak is that of the SDK's decoder. On GCS both
  clients seek; on a disk and S3, Litestream v0.5.18 lists the level from its beginning.
- The servers of abs and oss are fakes of this library, and those of sftp, webdav and nats are Go servers of these protocols.
  Requests of SFTP and NATS are not counted. There are no bare calls of these five.
- In a large write to abs or oss our client sends the MD5 of each part, with which the service rejects damaged parts.
  Litestream's client does not. If the server is on the same machine, computing the MD5 on both sides takes longer than the
  transfer.

| row | | time | spread | CPU | requests | wire | allocations | allocated | peak heap |
|---|---|--:|--:|--:|--:|--:|--:|--:|--:|
`

// table returns all rows.
func table(lines []line) string {
	var b strings.Builder
	for _, l := range lines {
		for i, r := range l.results {
			head := ""
			if i == 0 {
				head = fmt.Sprintf("%s: **%.2f×**", l.heading(), l.ratio())
			}
			fmt.Fprintf(&b, "| %s | %s | %s |\n", head, r.Name, strings.Join(l.cells(r), " | "))
		}
	}
	return b.String()
}

// writeReport writes benchmarks.md and its charts into the folder.
func writeReport(dir string, lines []line, rounds int) error {
	charts, err := writeFigures(dir, lines)
	if err != nil {
		return err
	}
	text := fmt.Sprintf(lead, runtime.NumCPU(), runtime.GOOS+"/"+runtime.GOARCH, runtime.Version()) + charts +
		"## Where ltxstore is behind\n\nRows in which Litestream's client needs less time (by more than the spread of the rounds), fewer requests or less memory:\n\n" +
		whereBehind(lines) + "\n" + profile + repeat + fmt.Sprintf(preamble, rounds, min(rounds, fewest)) + table(lines)
	return os.WriteFile(filepath.Join(dir, "benchmarks.md"), []byte(text), 0o644)
}

func TestReport(t *testing.T) {
	lines := []line{{
		row: row{backend: "gcs"}, title: "delete all of 250 files, 20ms away", server: "gcsfake", counted: true,
		results: []result{
			{Name: ours, Time: 50 * time.Millisecond, Min: 40 * time.Millisecond, Max: 2 * time.Second, CPU: 30 * time.Millisecond, Requests: 251, WireBytes: 3 << 20, Allocs: 12, Bytes: 2048, Peak: 100},
			{Name: stock, Time: time.Second, Min: time.Second, Max: time.Second},
		},
	}}
	dir := t.TempDir()
	require.NoError(t, writeReport(dir, lines, 7))
	text, err := os.ReadFile(filepath.Join(dir, "benchmarks.md"))
	require.NoError(t, err)
	assert.Contains(t, string(text), "| gcs (gcsfake): delete all of 250 files, 20ms away: **20.00×** | ours | 50 ms | 40 ms–2.00 s | 30 ms | 251 | 3.0 MiB | 12 | 2.0 KiB | 100 B |\n"+
		"|  | litestream | 1.00 s | ")
	assert.Contains(t, string(text), "![Listing and deleting: Ours needs less time than Litestream's in 1 of 1 rows; the largest difference is 20.0×")
	assert.Contains(t, string(text), "requests (251, Litestream 0)")
	svg, err := os.ReadFile(filepath.Join(dir, "benchmarks", "listings.svg"))
	require.NoError(t, err)
	assert.Contains(t, string(svg), "gcs: delete all of 250 files, 20ms away")
	assert.Contains(t, lines[0].text(), "20.00x Litestream")
}
