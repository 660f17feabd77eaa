//go:build !arm && !ppc64 && !ppc64le

package restore

import (
	"os"
	"syscall"
)

// syncFileRangeWrite is SYNC_FILE_RANGE_WRITE of sync_file_range(2).
const syncFileRangeWrite = 2

// writeBack tells the system to start writing n bytes at an offset to the disk, which
// it might otherwise delay until the fsync at the end. It does not wait. If it fails,
// only the fsync takes longer.
func writeBack(f *os.File, at, n int64) {
	_ = syscall.SyncFileRange(int(f.Fd()), at, n, syncFileRangeWrite)
}
