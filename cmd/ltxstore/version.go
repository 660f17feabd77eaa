package main

import "runtime/debug"

// version returns the version that the go command recorded in a build, of
// which debug.ReadBuildInfo returns the information.
func version(info *debug.BuildInfo, ok bool) string {
	if !ok || info.Main.Version == "" {
		return "(devel)"
	}
	return info.Main.Version
}
