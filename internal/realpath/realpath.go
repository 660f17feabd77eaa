// Package realpath finds out which file a path leads to.
package realpath

import "path/filepath"

// Of returns the absolute path without symbolic links that path leads to. What
// is not there yet, or may not be examined, is taken as it is, below what is.
func Of(path string) string {
	path, err := filepath.Abs(path)
	if err != nil { // there is no working directory
		return path
	}
	for dir, rest := path, ""; ; {
		if real, err := filepath.EvalSymlinks(dir); err == nil {
			return filepath.Join(real, rest)
		}
		up, name := filepath.Dir(dir), filepath.Base(dir)
		if up == dir {
			return path
		}
		dir, rest = up, filepath.Join(name, rest)
	}
}
