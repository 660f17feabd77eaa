package race

import "runtime/debug"

// CollectLess has the garbage collector run less often in tests under the race
// detector, which take a tenth less time so. It is for a TestMain.
func CollectLess() {
	if Enabled {
		debug.SetGCPercent(400)
	}
}
