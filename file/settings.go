package file

import (
	"encoding"
	"errors"
	"io/fs"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/internal/settings"
)

func init() { ltxstore.Register(typeName, driver{table()}) }

// driver opens file: URLs and replicas of type file.
type driver struct{ settings.Table[Config] }

// Open implements ltxstore.Driver.
func (d driver) Open(src ltxstore.Source) (ltxstore.ReplicaClient, bool, error) {
	return settings.Open(d.Table, settings.Source(src), func(cfg *Config) error { return cfg.validate() },
		func(cfg Config) ltxstore.ReplicaClient { return NewReplicaClient(cfg) })
}

func table() settings.Table[Config] {
	return settings.Table[Config]{
		Place:    placeOf,
		CodeOnly: []string{"Logger", "Clock"},
		Rows: []settings.Row[Config]{
			{Name: "path", Default: "required", Help: "The replica's root directory.",
				To: settings.Text(func(c *Config) *string { return &c.Path })},
			{Name: settings.LayoutName, Default: "`default`", Help: "How files are named. `auto` looks at what the replica holds.",
				To: settings.Layout(func(c *Config) encoding.TextUnmarshaler { return &c.Layout })},
			{Name: "write-once", Default: "false", Help: "Refuse to replace a file by other content.",
				To: settings.Bool(func(c *Config) *bool { return &c.WriteOnce })},
			{Name: "must-exist", Default: "false", Help: "A missing root is an error, not an empty replica.",
				To: settings.Bool(func(c *Config) *bool { return &c.MustExist })},
			{Name: "dir-mode", Default: "0750", Help: "Permissions of new directories.",
				To: settings.Mode(func(c *Config) *fs.FileMode { return &c.DirMode })},
			{Name: "file-mode", Default: "0640", Help: "Permissions of new files.",
				To: settings.Mode(func(c *Config) *fs.FileMode { return &c.FileMode })},
			{Name: "sweep-age", Default: "1h", Help: "For how long a temporary file must not have changed until it is removed.",
				To: settings.Duration(func(c *Config) *time.Duration { return &c.SweepAge })},
		},
	}
}

// placeOf reads file:///absolute/path and file:relative/path.
func placeOf(u settings.URL) (map[string]string, error) {
	switch {
	case u.HasUser, u.Host != "" && !strings.EqualFold(u.Host, "localhost"):
		return nil, errors.New("the URL has a host before its path: want file:///ABSOLUTE/PATH or file:RELATIVE/PATH")
	case u.Path == "":
		return nil, errors.New("the URL has no path: want file:///ABSOLUTE/PATH or file:RELATIVE/PATH")
	}
	path := u.Path
	if drive := strings.TrimPrefix(path, "/"); runtime.GOOS == "windows" && filepath.VolumeName(drive) != "" {
		path = drive // file:///C:/path
	}
	return map[string]string{"path": filepath.FromSlash(path)}, nil
}
