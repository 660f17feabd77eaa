package file

import (
	"cmp"
	"io/fs"
	"log/slog"
	"time"

	"github.com/ltxstore/ltxstore"
)

const (
	defaultDirMode  fs.FileMode = 0o750
	defaultFileMode fs.FileMode = 0o640

	defaultSweepAge = time.Hour
	minSweepAge     = time.Second
)

// Config describes a replica and how it is written. Path is required; the zero value of
// every other field is its default.
type Config struct {
	// Path is the root directory of the replica, in the syntax of the operating
	// system. A relative path is resolved once, by Init. The root and the directories
	// above it may be symbolic links, but nothing below it.
	Path string `ltx:"path" default:"required" help:"The replica's root directory."`

	// Layout names the files below Path.
	Layout ltxstore.Layout `ltx:"layout" default:"'default'" help:"How files are named. 'auto' detects the layout of existing files."`

	// WriteOnce refuses to write a file that exists with other content (clause W6).
	// The file system must have hard links, by which exactly one of several writers
	// succeeds.
	WriteOnce bool `ltx:"write-once" default:"false" help:"Refuse to replace a file with different content."`

	// MustExist makes every method fail with ErrStoreNotFound if the root is missing.
	// By default, a missing root is an empty replica, and the first write creates it.
	// Reading never creates a directory.
	MustExist bool `ltx:"must-exist" default:"false" help:"A missing root is an error, not an empty replica."`

	// DirMode and FileMode are the permissions of new directories and files, before
	// the umask. 0 means 0750 and 0640, because a replica is as secret as its
	// database; the group can read it for backups. The owner must be able to read and
	// write. Windows ignores both.
	DirMode  fs.FileMode `ltx:"dir-mode" default:"0750" help:"Permissions of new directories."`
	FileMode fs.FileMode `ltx:"file-mode" default:"0640" help:"Permissions of new files."`

	// SweepAge is how old the last change of a temporary file must be for Init to
	// remove it, because its writer is assumed to be dead. 0 means one hour.
	//
	// Each block that is written, of at most 32 KiB, is a change. Only a write whose
	// source returns nothing for that long can lose its temporary file, and then the
	// write fails. An hour is longer than a source should stall, and more than the
	// clocks of a network file system should differ. Less than a second is refused,
	// because some file systems have times in seconds.
	SweepAge time.Duration `ltx:"sweep-age" default:"1h" help:"For how long a temporary file must not have changed until it is removed."`

	// Logger receives the log. nil means slog.Default. See SetLogger.
	Logger *slog.Logger `ltx:"-"`

	// Clock returns the time by which a sweep computes ages. nil means
	// time.Now.
	Clock func() time.Time `ltx:"-"`
}

// withDefaults returns cfg with the default in place of each zero field.
func (cfg Config) withDefaults() Config {
	cfg.DirMode = cmp.Or(cfg.DirMode, defaultDirMode)
	cfg.FileMode = cmp.Or(cfg.FileMode, defaultFileMode)
	cfg.SweepAge = cmp.Or(cfg.SweepAge, defaultSweepAge)
	if cfg.Clock == nil {
		cfg.Clock = time.Now
	}
	return cfg
}
