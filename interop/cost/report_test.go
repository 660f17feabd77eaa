package cost_test

import (
	"fmt"
	"strings"

	"github.com/dustin/go-humanize"
)

const preamble = `# What replication costs

<!-- written by: cd interop && go test ./cost -update -->

The requests of a day of one database under Litestream's engine v0.5.18 with its default settings (a sync a second;
levels of 30 s, 5 min and 1 h; level 0 kept for 5 min and checked every 15 s), counted at a double of S3 that all clients share.
The days are played in simulated time: the counts of two runs differ by less than 3 %.

Prices are those of S3 Standard in us-east-1 and of Google Cloud Storage (Standard, one region), as of September 2026, which are
the same: $0.005 for 1,000 uploads or listings (S3: PUT, COPY, POST, LIST; Google: class A), $0.0004 for 1,000 reads
(GET and HEAD; class B), nothing for deletions. Google's were read on its price list of 20 September 2026; Amazon's list is filled in by a
script and has been read in other publications only, where it has been the same for years. Storage and traffic are extra.
Check the prices of your region.

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
	b.WriteString("\nHow they are played:\n\n")
	for _, l := range lives() {
		fmt.Fprintf(&b, "- %s: %s\n", l.title, l.played)
	}
	b.WriteString(`
What follows from it:

- The engine lists whatever the client is: it asks each level for its newest file before each compaction, and level 1 before each
  check of level 0. An idle database is paid for too. ` + "[`wrap/cache`](wrappers.md)" + ` knows what the process itself has written, and answers
  most of these listings.
- The longer snapshots are kept, the more pages level 1 has, and the engine reads all of them: for a small database a
  snapshot every few hours costs less than it saves.
- Uploads follow the sync interval: at 10 s instead of 1 s there is a tenth of them.
- Listings are where ours are more than Litestream's: the next page is asked for before the first is read to its end.

## A restore

A database with a write every 30 s since its snapshot, four hours and a half before; to a moment an hour and a half ago. Requests are
counted once, not a day.

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
To a moment Litestream asks for the time of each file, one request a file on S3; package ` + "`restore`" + ` finds the moment by bisection.
Google and Azure give the times with the listing.
`)
	return b.String()
}
