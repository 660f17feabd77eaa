package file

import "io/fs"

// Like gives new files and directories the permissions, owner and group of others, such
// as those of a database and its directory. Permissions in Config take precedence, and
// the umask applies to both. The owner and the group are only set if the process may do
// that. like is called before each file or directory is created, by any goroutine; if it
// returns nil, Config applies. Windows ignores Like.
func (c *ReplicaClient) Like(like func() (file, dir fs.FileInfo)) { c.disk.like.Store(&like) }

// models returns the file and the directory that new ones should resemble, or nil.
func (d *disk) models() (file, dir fs.FileInfo) {
	if like := d.like.Load(); like != nil && *like != nil {
		return (*like)()
	}
	return nil, nil
}

// mode returns the permissions of a new file or directory: those of the model if none
// are given, and otherwise the ones from the configuration. The model's permissions are
// extended by least, the rights that the owner of a replica needs.
func mode(given fs.FileMode, model fs.FileInfo, least, otherwise fs.FileMode) fs.FileMode {
	if given == 0 && model != nil {
		return model.Mode().Perm() | least
	}
	return otherwise
}
