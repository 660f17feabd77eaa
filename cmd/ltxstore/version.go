package main

import "runtime/debug"

// version returns the version that the go command recorded in a build. info and ok are
// the results of debug.ReadBuildInfo.
func version(info *debug.BuildInfo, ok bool) string {
	if !ok || info.Main.Version == "" {
		return "(devel)"
	}
	return info.Main.Version
}
