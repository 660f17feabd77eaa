package main

import (
	"fmt"

	"github.com/superfly/ltx"
)

// warnTorn tells of zero-byte files that listings leave out: each is what a broken
// upload has left, in which transactions may be lost.
func (a *app) warnTorn(cmd *command, lost []ltx.FileInfo) {
	if len(lost) == 0 {
		return
	}
	f := lost[0]
	a.warn(cmd, fmt.Sprintf("%s of no bytes, which broken uploads have left, such as level %d %s-%s: see ltxstore verify",
		count(len(lost), "file"), f.Level, f.MinTXID, f.MaxTXID))
}
