package main

import (
	"fmt"
	"sync"

	"github.com/superfly/ltx"
)

// tornFiles are the zero-byte files that listings leave out: each is what a broken
// upload has left, in which transactions may be lost.
type tornFiles struct {
	mu    sync.Mutex
	files map[ltx.FileInfo]bool // by level and transactions alone
}

func (t *tornFiles) add(f ltx.FileInfo) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.files == nil {
		t.files = make(map[ltx.FileInfo]bool)
	}
	t.files[ltx.FileInfo{Level: f.Level, MinTXID: f.MinTXID, MaxTXID: f.MaxTXID}] = true
}

// warn tells of them, if there are any.
func (t *tornFiles) warn(a *app, cmd *command) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for f := range t.files {
		a.progress.done()
		a.complain(cmd, fmt.Sprintf("warning: %s of no bytes, which broken uploads have left, such as level %d %s-%s: see ltxstore verify",
			count(len(t.files), "file"), f.Level, f.MinTXID, f.MaxTXID))
		return
	}
}
