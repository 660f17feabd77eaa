//go:build servers

package testservers

import (
	"crypto/sha1"
	"encoding/base64"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/backend/tree"
	"github.com/ltxstore/ltxstore/testing/replicatest"
	"github.com/ltxstore/ltxstore/webdav"
)

const (
	davUser     = "replica"
	davPassword = "webdav-4f2a77"
)

// dav is a WebDAV server and the folder it serves.
type dav struct {
	account
	url, dir string
}

// users returns a file of users and their passwords, as Apache and nginx have
// it.
func (p *process) users(t testing.TB) string {
	sum := sha1.Sum([]byte(davPassword))
	return p.file(t, "users", davUser+":{SHA}"+base64.StdEncoding.EncodeToString(sum[:])+"\n")
}

// startApache runs Apache with mod_dav_fs.
func startApache(t testing.TB) *dav {
	p := newProcess(t)
	dir := p.folder(t, "data")
	var modules []string
	for _, name := range []string{"mpm_event", "authn_core", "authn_file", "authz_core", "authz_user", "auth_basic", "dav", "dav_fs"} {
		modules = append(modules, "LoadModule "+name+"_module /usr/lib/apache2/modules/mod_"+name+".so")
	}
	config := p.file(t, "apache.conf", strings.Join(append(modules,
		"ServerName localhost",
		"ServerRoot "+p.dir,
		"DefaultRuntimeDir "+p.dir,
		"Mutex file:"+p.dir+" default",
		"PidFile pid",
		"ErrorLog error.log",
		"Listen "+p.address,
		"DocumentRoot "+dir,
		"DavLockDB "+filepath.Join(p.folder(t, "locks"), "db"),
		"<Directory "+dir+">",
		"  Dav On",
		"  AuthType Basic",
		"  AuthName test",
		"  AuthUserFile "+p.users(t),
		"  Require valid-user",
		"</Directory>"), "\n")+"\n")
	p.start(t, "apache2", "-DFOREGROUND", "-f", config)
	return &dav{p.account, "http://" + p.address, dir}
}

// startNginx runs nginx with its dav-ext module.
func startNginx(t testing.TB) *dav {
	p := newProcess(t)
	dir, temp := p.folder(t, "data"), p.folder(t, "temp")
	config := p.file(t, "nginx.conf", `
load_module /usr/lib/nginx/modules/ngx_http_dav_ext_module.so;
pid pid;
daemon off;
error_log error.log;
events {}
http {
  access_log off;
  client_body_temp_path `+temp+`;
  proxy_temp_path `+temp+`;
  fastcgi_temp_path `+temp+`;
  uwsgi_temp_path `+temp+`;
  scgi_temp_path `+temp+`;
  server {
    listen `+p.address+`;
    root `+dir+`;
    client_max_body_size 0;
    location / {
      dav_methods PUT DELETE MKCOL COPY MOVE;
      dav_ext_methods PROPFIND OPTIONS;
      create_full_put_path on;
      auth_basic test;
      auth_basic_user_file `+p.users(t)+`;
    }
  }
}
`)
	p.start(t, "nginx", "-p", p.dir, "-e", filepath.Join(p.dir, "error.log"), "-c", config)
	return &dav{p.account, "http://" + p.address, dir}
}

// startRclone runs rclone's WebDAV server.
func startRclone(t testing.TB) *dav {
	p := newProcess(t)
	dir := p.folder(t, "data")
	p.start(t, "rclone", "serve", "webdav", dir, "--addr", p.address, "--user", davUser, "--pass", davPassword,
		"--dir-cache-time", "0s", "--config", filepath.Join(p.dir, "rclone.conf"))
	return &dav{p.account, "http://" + p.address, dir}
}

func (d *dav) open(path string, o options) ltxstore.ReplicaClient {
	return webdav.NewReplicaClient(webdav.Config{
		URL: d.url, Path: path, Layout: o.layout, Username: davUser, Password: davPassword, Options: tree.Options{WriteOnce: o.once, MustExist: o.mustExist},
		// rclone and golang.org/x/net/webdav fail a listing during which a file
		// goes, and a case writes and deletes all the time: short waits, and
		// many attempts.
		Retry: ltxstore.Retry{MaxAttempts: 40, BaseDelay: 4 * time.Millisecond, MaxDelay: 100 * time.Millisecond}, Logger: slog.New(slog.DiscardHandler),
	})
}

func (d *dav) served() *served { return &served{account: d.account, dir: d.dir, open: d.open} }

func TestApacheConformance(t *testing.T) {
	startApache(t).served().conformance(t, davPassword, nil,
		// A move that must not replace looks first: some of several writers win together.
		replicatest.WriteOnce,
		// One that replaces removes first.
		replicatest.AtomicRewriting)
}

func TestNginxConformance(t *testing.T) { startNginx(t).served().conformance(t, davPassword, nil) }

func TestRcloneConformance(t *testing.T) {
	startRclone(t).served().conformance(t, davPassword, nil,
		replicatest.AtomicRewriting) // it removes before it moves
}
