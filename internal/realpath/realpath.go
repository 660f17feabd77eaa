// Package realpath resolves symbolic links, also in paths that do not exist yet.
package realpath

import "path/filepath"

// Of returns path as an absolute path without symbolic links. Elements at its end
// that do not exist, or may not be examined, are kept.
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
