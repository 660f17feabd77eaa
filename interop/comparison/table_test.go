package comparison_test

import (
	"fmt"
	"strings"

	"github.com/ltxstore/ltxstore/testing/replicatest"
)

const intro = `# Comparison

<!-- written by: cd interop && go test ./comparison -update -->

The suite of ` + "`testing/replicatest`" + `, which holds this library's clients to
[the contract](contract.md), run against the clients of Litestream v0.5.18 by
` + "`interop/comparison`" + `: its file client on a disk, its s3, gs, abs and oss clients on the strict servers by
which ours are judged, with faults, its sftp, webdav and nats clients on the Go servers of these protocols
(pkg/sftp, golang.org/x/net/webdav, nats-server), without. Some defects need another server, and are shown
there by ` + "`interop/testservers`" + `: on OpenSSH, Litestream's sftp client cannot replace a file; on nginx, the
` + "`DeleteAll`" + ` of its webdav client always fails. Ours hold every case: their own tests see to that.
A number is the defect that the case found, below the table; · is a case that does not
apply: the client has no such option, or a disk no such fault.

`

// table returns docs/comparison.md.
func table(all []*contestant) string {
	var text strings.Builder
	text.WriteString(intro)
	for _, c := range all {
		fmt.Fprintf(&text, "- Litestream's %s client: of %d cases that apply, %d fail", c.name, len(c.report)-len(c.report.Skipped()), len(c.bites))
		if n := len(c.chance); n > 0 {
			fmt.Fprintf(&text, ", and %d at times", n)
		}
		text.WriteString(".\n")
	}
	text.WriteString("\n| Case | Clauses | What must hold | ltxstore |")
	for _, c := range all {
		fmt.Fprintf(&text, " Litestream %s |", c.name)
	}
	text.WriteString("\n|---|---|---|---|" + strings.Repeat("---|", len(all)) + "\n")

	var found []*defect
	number := make(map[*defect]int)
	for i, what := range replicatest.Cases() {
		fmt.Fprintf(&text, "| `%s` | %s | %s | yes |", what.ID, strings.Join(what.Clauses, " "), what.Rule)
		for _, c := range all {
			fmt.Fprintf(&text, " %s |", cell(c, c.report[i], func(d *defect) int {
				if number[d] == 0 {
					found = append(found, d)
					number[d] = len(found)
				}
				return number[d]
			}))
		}
		text.WriteString("\n")
	}
	text.WriteString("\n## Defects\n\n")
	for i, d := range found {
		fmt.Fprintf(&text, "%d. %s.\n", i+1, strings.ToUpper(d.what[:1])+d.what[1:])
	}
	return text.String()
}

func cell(c *contestant, res replicatest.Result, number func(*defect) int) string {
	by, chance := c.chance[res.Case.ID]
	switch {
	case chance:
		return fmt.Sprintf("at times, %d", number(by))
	case res.Skipped != "":
		return "·"
	case res.Err != nil:
		return fmt.Sprintf("no, %d", number(c.bites[res.Case.ID]))
	}
	return "yes"
}
