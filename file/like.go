package file

import "io/fs"

// Like has new files and directories look like others, such as a database and its
// directory: they get their permissions, before the umask, unless Config has some, and, where
// the process may give files away, their owner and group. like is called before each is made, by
// any goroutine; where it returns nil, they are as Config says. Windows ignores it all.
func (c *ReplicaClient) Like(like func() (file, dir fs.FileInfo)) { c.disk.like.Store(&like) }

// models returns what new files and directories are to look like.
func (d *disk) models() (file, dir fs.FileInfo) {
	if like := d.like.Load(); like != nil && *like != nil {
		return (*like)()
	}
	return nil, nil
}

// mode returns the permissions of what is made: those that are given, those of the
// model, or the default. The owner keeps the rights that a replica needs.
func mode(given fs.FileMode, model fs.FileInfo, least, otherwise fs.FileMode) fs.FileMode {
	if given == 0 && model != nil {
		return model.Mode().Perm() | least
	}
	return otherwise
}
