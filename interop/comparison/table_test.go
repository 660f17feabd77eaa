package comparison_test

import (
	"fmt"
	"strings"

	"github.com/ltxstore/ltxstore/testing/replicatest"
)

const intro = `# Comparison

<!-- written by: cd interop && go test ./comparison -update -->

` + "`interop/comparison`" + ` runs the suite of ` + "`testing/replicatest`" + `, which checks clients against
[the contract](contract.md), with the clients of Litestream v0.5.18. Its file client runs on a disk. Its
s3, gs, abs and oss clients run on the fake servers with faults that this library's tests use, and its
sftp, webdav and nats clients on Go servers of these protocols (pkg/sftp, golang.org/x/net/webdav,
nats-server), without faults. Some defects only occur on other servers, where ` + "`interop/testservers`" + `
finds them: on OpenSSH, Litestream's sftp client cannot replace a file; on nginx, the ` + "`DeleteAll`" + ` of its
webdav client always fails. The clients of this library pass all cases in their own tests.

In the table, a number is that of the defect that the case found; the list of defects follows it. A dot
(·) means that the case does not apply, because the client has no such option or the store no such fault.

`

// table returns docs/comparison.md.
func table(all []*contestant) string {
	var text strings.Builder
	text.WriteString(intro)
	for _, c := range all {
		fmt.Fprintf(&text, "- Litestream's %s client fails %d of %d cases", c.name, len(c.bites), len(c.report)-len(c.report.Skipped()))
		if n := len(c.chance); n > 0 {
			fmt.Fprintf(&text, ", and sometimes %d more", n)
		}
		text.WriteString(".\n")
	}
	text.WriteString("\n| Case | Clauses | Rule | ltxstore |")
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
		return fmt.Sprintf("sometimes, %d", number(by))
	case res.Skipped != "":
		return "·"
	case res.Err != nil:
		return fmt.Sprintf("no, %d", number(c.bites[res.Case.ID]))
	}
	return "yes"
}
