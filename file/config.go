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

// Config says where a replica is and how it is written. Path is required; the
// zero value of every other field is its default.
type Config struct {
	// Path is the replica's root directory, in the operating system's own
	// spelling. A relative path is resolved once, at Init. The root, and what
	// leads to it, may be symbolic links; nothing below it may be.
	Path string `ltx:"path" default:"required" help:"The replica's root directory."`

	// Layout names the files below Path.
	Layout ltxstore.Layout `ltx:"layout" default:"'default'" help:"How files are named. 'auto' looks at what the replica holds."`

	// WriteOnce refuses to write a file that exists with other content (clause
	// W6). The file system must have hard links: they are what makes one of
	// several writers win.
	WriteOnce bool `ltx:"write-once" default:"false" help:"Refuse to replace a file by other content."`

	// MustExist makes a missing root ErrStoreNotFound in every method. By
	// default a missing root is an empty replica, which the first write makes.
	// Reading never makes a directory.
	MustExist bool `ltx:"must-exist" default:"false" help:"A missing root is an error, not an empty replica."`

	// DirMode and FileMode are the permissions, before the umask, of what is
	// made. 0 means 0750 and 0640: a replica is as secret as its database, and
	// a group may be let in to back it up. The owner must keep the rights to
	// read and write. Windows ignores both.
	DirMode  fs.FileMode `ltx:"dir-mode" default:"0750" help:"Permissions of new directories."`
	FileMode fs.FileMode `ltx:"file-mode" default:"0640" help:"Permissions of new files."`

	// SweepAge is how long nothing must have happened to a temporary file
	// until Init takes its writer for dead and removes it. 0 means one hour.
	//
	// Each write of a block, at most 64 KiB of the source, makes a temporary
	// young again, so that only a source that yields nothing for that long
	// can lose one, and then its write fails: no file is lost. An hour is
	// longer than a source should stall and than clocks of a network file
	// system should differ. Less than a second is refused, because file
	// systems exist that keep times no finer.
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
