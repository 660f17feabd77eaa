package main

import (
	"fmt"

	"github.com/superfly/ltx"
)

// warnTorn warns of zero-byte files, which listings leave out. They come from
// interrupted uploads, and their transactions may be lost.
func (a *app) warnTorn(cmd *command, lost []ltx.FileInfo) {
	if len(lost) == 0 {
		return
	}
	f := lost[0]
	a.warn(cmd, fmt.Sprintf("%s without content, left by interrupted uploads, such as level %d %s-%s: see ltxstore verify",
		count(len(lost), "file"), f.Level, f.MinTXID, f.MaxTXID))
}
