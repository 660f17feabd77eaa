package servers

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// program is a server's source at one version.
type program struct {
	name     string
	pkg      string
	version  string
	override string // environment variable with the path of a binary to use instead
	cgo      string // CGO_ENABLED: "1" if it needs a C compiler
}

// The pinned servers.
var (
	versitygw = program{"versitygw", "github.com/versity/versitygw/cmd/versitygw", "v1.8.0", "LTXSTORE_VERSITYGW", "0"}
	minio     = program{"minio", "github.com/minio/minio", "v0.0.0-20260212201848-7aac2a2c5b7c", "LTXSTORE_MINIO", "0"}
)

// litestream03 is the last Litestream that writes generations.
var litestream03 = program{"litestream", "github.com/benbjohnson/litestream/cmd/litestream", "v0.3.14", "LTXSTORE_LITESTREAM03", "1"}

// litestream05 is the Litestream whose clients the library is compared with.
var litestream05 = program{"litestream", "github.com/benbjohnson/litestream/cmd/litestream", "v0.5.18", "LTXSTORE_LITESTREAM05", "0"}

// Litestream03 returns the path of Litestream v0.3.14, which it builds the first time.
// That takes a minute or more, and a C compiler for SQLite.
func Litestream03(tb testing.TB) string {
	tb.Helper()
	return locate(tb, litestream03)
}

// Litestream05 returns the path of Litestream v0.5.18, which it builds the first
// time.
func Litestream05(tb testing.TB) string {
	tb.Helper()
	return locate(tb, litestream05)
}

// cacheVariable is the environment variable with the directory of built
// servers.
const cacheVariable = "LTXSTORE_SERVERS"

// Build builds the servers and Litestream v0.5.18 unless they exist, and
// returns their paths. Tests call it if necessary. It reports its progress with
// logf.
//
// The binaries are <cache>/<name>@<version>/<name>. The cache is the directory
// in the environment variable LTXSTORE_SERVERS, or ltxstore-servers in the
// user's cache directory. LTXSTORE_VERSITYGW, LTXSTORE_MINIO and
// LTXSTORE_LITESTREAM05 are paths of binaries to use instead.
func Build(ctx context.Context, logf func(format string, args ...any)) (paths []string, err error) {
	for _, p := range []program{versitygw, minio, litestream05} {
		path, err := p.find(ctx, logf)
		if err != nil {
			return nil, err
		}
		paths = append(paths, path)
	}
	return paths, nil
}

// locate is find for a test.
func locate(tb testing.TB, p program) string {
	tb.Helper()
	path, err := p.find(tb.Context(), tb.Logf)
	if err != nil {
		tb.Fatal(err)
	}
	return path
}

// find returns the path of the server's binary, and builds it if necessary.
func (p program) find(ctx context.Context, logf func(string, ...any)) (string, error) {
	if path := os.Getenv(p.override); path != "" {
		info, err := os.Stat(path)
		switch {
		case err != nil:
			return "", fmt.Errorf("%s names the %s to use: %w", p.override, p.name, err)
		case !info.Mode().IsRegular():
			return "", fmt.Errorf("%s is %s: want the path of a %s binary: %w", p.override, path, p.name, fs.ErrInvalid)
		}
		return filepath.Abs(path) // the process runs in another folder
	}
	dir, err := cacheDir()
	if err != nil {
		return "", err
	}
	return p.build(ctx, filepath.Join(dir, p.name+"@"+p.version), logf)
}

func cacheDir() (string, error) {
	if dir := os.Getenv(cacheVariable); dir != "" {
		return filepath.Abs(dir)
	}
	dir, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("no folder to keep servers in: %w: set %s to one", err, cacheVariable)
	}
	return filepath.Join(dir, "ltxstore-servers"), nil
}

// build returns the binary in dir. One process builds it while the others wait.
func (p program) build(ctx context.Context, dir string, logf func(string, ...any)) (path string, err error) {
	binary := p.name
	if runtime.GOOS == "windows" {
		binary += ".exe"
	}
	path = filepath.Join(dir, binary)
	if exists(path) {
		return path, nil
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", fmt.Errorf("no folder to keep servers in: %w: set %s to one", err, cacheVariable)
	}
	unlock, err := lock(filepath.Join(dir, "lock"))
	if err != nil {
		return "", fmt.Errorf("building %s: lock: %w", p.name, err)
	}
	defer func() { err = errors.Join(err, unlock()) }()
	if exists(path) {
		return path, nil
	}
	logf("building %s@%s, once: this takes minutes", p.pkg, p.version)

	// It is built in a directory next to it and renamed, so that a binary is
	// complete if it exists.
	tmp, err := os.MkdirTemp(dir, "build-")
	if err != nil {
		return "", fmt.Errorf("building %s: %w", p.name, err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(tmp)) }()
	if err := p.install(ctx, tmp); err != nil {
		return "", err
	}
	if err := os.Rename(filepath.Join(tmp, binary), path); err != nil {
		return "", fmt.Errorf("building %s: %w", p.name, err)
	}
	return path, nil
}

func exists(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular()
}

func (p program) install(ctx context.Context, dir string) error {
	cmd := exec.CommandContext(ctx, "go", "install", "-trimpath", "-ldflags=-s -w", p.pkg+"@"+p.version)
	cmd.Dir = dir // outside of any module
	// Flags, workspace and target of this build do not apply to the server.
	for _, kv := range os.Environ() {
		switch name, _, _ := strings.Cut(kv, "="); name {
		case "GOFLAGS", "GOWORK", "GOOS", "GOARCH", "GOBIN", "CGO_ENABLED":
		default:
			cmd.Env = append(cmd.Env, kv)
		}
	}
	cmd.Env = append(cmd.Env, "GOBIN="+dir, "GOWORK=off", "CGO_ENABLED="+p.cgo)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("building %s@%s: %w\n%s\nset %s to a binary to use instead", p.pkg, p.version, err, tail(out), p.override)
	}
	return nil
}
