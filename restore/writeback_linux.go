//go:build !arm && !ppc64 && !ppc64le

package restore

import (
	"os"
	"syscall"
)

// syncFileRangeWrite is SYNC_FILE_RANGE_WRITE of sync_file_range(2).
const syncFileRangeWrite = 2

// writeBack has the system begin to write n bytes at an offset to the disk,
// which it would otherwise put off until the fsync at the end, and waits for
// nothing. It is a hint: where it fails, the fsync has more to do.
func writeBack(f *os.File, at, n int64) {
	_ = syscall.SyncFileRange(int(f.Fd()), at, n, syncFileRangeWrite)
}
