package cost_test

import (
	"fmt"
	"strings"

	"github.com/dustin/go-humanize"
)

const preamble = `# What replication costs

<!-- written by: cd interop && go test ./cost -update -->

The number of requests that one database causes in a day, with Litestream's engine v0.5.18 and its default settings (a sync every
second; levels of 30 s, 5 min and 1 h; level 0 kept for 5 min and checked every 15 s). A fake S3 server counts them, in simulated
time. The counts of two runs differ by less than 3 %.

The prices are those of S3 Standard in us-east-1 and of Google Cloud Storage (Standard, one region) in September 2026, which are
equal: $0.005 for 1,000 uploads or listings (S3: PUT, COPY, POST, LIST; Google: class A), $0.0004 for 1,000 reads
(GET and HEAD; class B), and nothing for deletions. Google's are from its price list of 20 September 2026. Amazon's page could not be
read without its scripts, so its prices are from other publications. Storage and traffic are extra. Check the prices of your region.

## A day

| Day | Client | Uploads | Listings | Reads | Deletions | $ a day | $ in 30 days |
|---|---|--:|--:|--:|--:|--:|--:|
`

func count(n int) string { return humanize.Comma(int64(n)) }

// report returns docs/cost.md.
func report(days [][kinds]counts, restores [3][2]counts) string {
	var b strings.Builder
	b.WriteString(preamble)
	for i, l := range lives() {
		for k := range kinds {
			c := days[i][k]
			fmt.Fprintf(&b, "| %s | %s | %s | %s | %s | %s | %.2f | %.2f |\n", l.title, k,
				count(c.uploads()), count(c.lists()), count(c.reads()), count(c.deletes()), dollars(c), 30*dollars(c))
		}
	}
	b.WriteString("\nHow the days were simulated:\n\n")
	for _, l := range lives() {
		fmt.Fprintf(&b, "- %s: %s\n", l.title, l.played)
	}
	b.WriteString(`
Conclusions:

- The engine lists files with any client: it looks up the newest file of a level before each compaction, and lists level 1 before
  each check of level 0. Therefore even an idle database has a cost. ` + "[`wrap/cache`](wrappers.md)" + ` answers those of levels that have not
  changed in the last 30 seconds.
- The longer snapshots are kept, the more pages level 1 has, and the engine lists all of them: for a small database, a snapshot
  every few hours saves more than it costs.
- The number of uploads depends on the sync interval: with 10 s instead of 1 s there is a tenth of them.
- Our clients make slightly more listings than Litestream's, because they request the next page before the previous one has been read.

## A restore

The database has had a write every 30 s since its snapshot four and a half hours ago. The moment is one and a half hours ago. The
requests are those of one restore.

| Restore | By | Listings | Reads | $ for 1,000 restores |
|---|---|--:|--:|--:|
`)
	for i, title := range []string{"newest state", "to a moment"} {
		for j, by := range []string{"Litestream, its client", "Litestream, our client", "package `restore`, our client"} {
			c := restores[j][i]
			fmt.Fprintf(&b, "| %s | %s | %s | %s | %.2f |\n", title, by, count(c.lists()), count(c.reads()), 1000*dollars(c))
		}
	}
	b.WriteString(`
To find a moment, Litestream looks up the time of each file, with one request per file on S3. Package ` + "`restore`" + ` finds the moment by
bisection. The listings of Google and Azure include the times.
`)
	return b.String()
}
