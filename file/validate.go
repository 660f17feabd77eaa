package file

import (
	"fmt"
	"io/fs"
	"strings"

	"github.com/ltxstore/ltxstore/backend"
)

// validate checks the fields. It does not access the disk.
func (cfg Config) validate() error {
	switch d := cfg.withDefaults(); {
	case cfg.Path == "":
		return invalid("Path", cfg.Path, "want the replica's root directory")
	case strings.ContainsRune(cfg.Path, 0):
		return invalid("Path", cfg.Path, "want no NUL byte")
	case d.DirMode&^fs.ModePerm != 0 || d.DirMode&0o700 != 0o700:
		return invalid("DirMode", octal(cfg.DirMode), "want permission bits only, with 0700 for the owner, as in 0750")
	case d.FileMode&^fs.ModePerm != 0 || d.FileMode&0o600 != 0o600:
		return invalid("FileMode", octal(cfg.FileMode), "want permission bits only, with 0600 for the owner, as in 0640")
	case d.SweepAge < minSweepAge:
		return invalid("SweepAge", cfg.SweepAge, fmt.Sprintf("want 0 (one hour) or at least %v", minSweepAge))
	}
	return nil
}

func invalid(field string, value any, want string) error {
	return backend.Invalid(typeName, "init", field, value, want)
}

// octal prints permissions as they are usually written.
type octal fs.FileMode

func (m octal) GoString() string { return fmt.Sprintf("%#o", uint32(m)) }
