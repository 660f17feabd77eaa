package race

import "runtime/debug"

// CollectLess makes the garbage collector run less often in tests with the race
// detector, which reduces their time by a tenth. It is called by TestMain.
func CollectLess() {
	if Enabled {
		debug.SetGCPercent(400)
	}
}
