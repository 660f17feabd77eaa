//go:build !unix

package file

import "io/fs"

func giveAway(fs.FileInfo, func(uid, gid int) error) {}
