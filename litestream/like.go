package litestream

import (
	"io/fs"
	"os"
	"path/filepath"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/file"
)

// LikeDatabase makes new files and directories of a replica on a disk get the
// permissions and the owner of the database at path and of its directory, as in
// Litestream: see file.ReplicaClient.Like. It has no effect on other clients.
// For a mirror, call it with the client of each replica.
func LikeDatabase(path string, c ltxstore.ReplicaClient) {
	if disk, ok := ltxstore.As[*file.ReplicaClient](c); ok {
		disk.Like(func() (db, dir fs.FileInfo) { return stat(path), stat(filepath.Dir(path)) })
	}
}

// stat returns nil for a missing file.
func stat(path string) fs.FileInfo {
	info, err := os.Stat(path)
	if err != nil {
		return nil
	}
	return info
}
