//go:build !linux || arm || ppc64 || ppc64le

package restore

import "os"

func writeBack(*os.File, int64, int64) {}
