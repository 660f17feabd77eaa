package interop_test

import (
	"context"
	"fmt"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/config"
	"github.com/ltxstore/ltxstore/interop/servers"
)

// proxy is one of HTTP that answers itself: a bucket is empty. It notes what it was asked for.
type proxy struct {
	mu    sync.Mutex
	asked []string
	first context.CancelFunc // called when something was asked for
}

func (p *proxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	text := fmt.Sprintf("http://%s%s prefix=%q", r.Host, r.URL.Path, r.URL.Query().Get("prefix"))
	if r.Method == http.MethodConnect {
		text = "https://" + r.Host
	}
	p.mu.Lock()
	p.asked = append(p.asked, text)
	p.mu.Unlock()
	p.first()
	http.Error(w, "no store here", http.StatusForbidden)
}

// listOwn lists level 0 of the replica of /db, the last in a litestream.yml, as a process: what is
// read of the environment is read once.
func listOwn(name string) error {
	text, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	file, err := config.Parse(text, config.Options{})
	if err != nil {
		return err
	}
	db := file.DBs[len(file.DBs)-1]
	client, err := ltxstore.OpenSource(context.Background(), db.Replicas[0].Source())
	if err != nil {
		return err
	}
	files, err := client.LTXFiles(context.Background(), 0, 0, false)
	if err != nil {
		return err
	}
	for files.Next() {
		fmt.Println(files.Item().MinTXID)
	}
	return files.Close()
}

// TestSamePlaceAsTheProgram holds where the replica of a litestream.yml is to where
// Litestream's own program looks for it: what its command makes of the file and of the
// environment is in no library.
func TestSamePlaceAsTheProgram(t *testing.T) {
	stock := servers.Litestream05(t)
	self, err := os.Executable()
	require.NoError(t, err)
	p := new(proxy)
	server := httptest.NewServer(p)
	defer server.Close()
	dir := filepath.ToSlash(t.TempDir())
	yml := filepath.Join(dir, "litestream.yml")
	env := append(os.Environ(), "HTTP_PROXY="+server.URL, "HTTPS_PROXY="+server.URL, "NO_PROXY=", "SET=set", "PLACE="+dir,
		"AWS_ACCESS_KEY_ID=id", "AWS_SECRET_ACCESS_KEY=secret", "AWS_EC2_METADATA_DISABLED=true", "AWS_CONFIG_FILE=/dev/null",
		"LITESTREAM_S3_ENDPOINT=http://elsewhere.example", "SPACE= db \n")

	// run returns what a program asks for first, and what it prints.
	run := func(more string, args ...string) (asked, output string) {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		p.mu.Lock()
		p.asked, p.first = nil, cancel
		p.mu.Unlock()
		cmd := exec.CommandContext(ctx, args[0], args[1:]...)
		cmd.Env = append(env, more)
		out, err := cmd.Output()
		p.mu.Lock()
		defer p.mu.Unlock()
		if len(p.asked) > 0 {
			return p.asked[0], ""
		}
		require.NoError(t, err, "%v: %s", args, out)
		return "", string(out)
	}
	const s3 = "bucket: bucket, region: us-east-1"
	const at = s3 + ", force-path-style: true, endpoint: 'http://store.example:9000'"
	same := func(file, want string) {
		t.Helper()
		require.NoError(t, os.WriteFile(yml, []byte(file), 0o600))
		theirs, _ := run("", stock, "ltx", "-config", yml, "/db")
		ours, _ := run("LTXSTORE_LIST="+yml, self)
		assert.Equal(t, theirs, ours, file)
		assert.Contains(t, ours, want, file)
		assert.NotContains(t, ours, "elsewhere", file)
	}
	for section, want := range map[string]string{
		// Paths are not cleaned.
		"{type: s3, " + at + "}":                                                   "/0000/",
		"{type: s3, path: db, " + at + "}":                                         "db/0000/",
		"{type: s3, path: /data/app.db, " + at + "}":                               "/data/app.db/0000/",
		"{type: s3, path: backups/, " + at + "}":                                   "backups//0000/",
		"{type: s3, path: a//b, " + at + "}":                                       "a//b/0000/",
		"{type: s3, path: ., " + at + "}":                                          "./0000/",
		"{type: s3, path: /, " + at + "}":                                          "//0000/",
		"{url: 's3://bucket//a//./b/', region: us-east-1, " + at[len(s3)+2:] + "}": "a/b/0000/",
		// What is expanded.
		"{type: s3, path: 'p${SET}q', " + at + "}": "psetq/0000/",
		"{type: s3, path: 'p$SET', " + at + "}":    "pset/0000/",
		// Endpoints.
		"{type: s3, " + s3 + ", endpoint: 'store.example:9000'}":                "https://store.example:9000",
		"{url: 's3://bucket/db', region: us-east-1, endpoint: 'store.example'}": "https://store.example",
		"{type: s3, " + s3 + "}":                     "amazonaws.com",
		"{url: 's3://bucket/db', region: us-east-1}": "amazonaws.com",
	} {
		same("dbs: [{path: /db, replica: "+section+"}]", want)
	}
	const theirs, own = "{replica: {type: s3, path: theirs, " + at + "}}", "replica: {path: own}"
	for file, want := range map[string]string{
		"dbs: [{path: /db, replica: {sync-interval: 1s, <<: [{path: first}, {type: s3, path: second, " + at + "}]}}]": "first/0000/",
		"dbs: [{path: /db, replica: {<<: {type: s3, path: theirs, " + at + "}, path: own}}]":                          "own/0000/",
		"x-a: &a " + theirs + "\ndbs: [{path: /db, <<: *a}]":                                                          "theirs/0000/",
		"x-a: &a replica\ndbs: [{path: /db, *a : {type: s3, path: own, " + at + "}}]":                                 "own/0000/",
		"dbs: [{path: /db, replica: {type: s3, path: own, " + at + "}}]\n---\n":                                       "own/0000/",
		"dbs:\n  - path: /db\n    replica:\n      <<: {type: s3, " + at + "}\n      path: ${SPACE}\n":                 "db/0000/",
	} {
		same(file, want)
	}

	// What Litestream understands in its own way is rejected.
	for file, want := range map[string]string{
		"dbs: [{path: /db, replica: {type: s3, path: 'p${SET:-x}q', " + at + "}}]":                            "pq/0000/",
		"dbs: [{path: /db, replica: {type: s3, path: 'p$$q', " + at + "}}]":                                   "pq/0000/",
		"dbs: [{path: /db, replica: {path: own, <<: {type: s3, path: theirs, " + at + "}}}]":                  "theirs/0000/",
		"dbs: [{path: /db, replica: {path: own, <<: [{path: first}, {type: s3, path: second, " + at + "}]}}]": "first/0000/",
		"dbs: [{path: /db, <<: " + theirs + ", " + own + "}]":                                                 "own/0000/",
		"dbs: [{path: /db, " + own + ", <<: " + theirs + "}]":                                                 "theirs/0000/",
	} {
		require.NoError(t, os.WriteFile(yml, []byte(file), 0o600))
		theirs, _ := run("", stock, "ltx", "-config", yml, "/db")
		assert.Contains(t, theirs, want, file)
		_, err := config.Parse([]byte(file), config.Options{})
		require.ErrorIs(t, err, fs.ErrInvalid, file)
	}
	for _, url := range []string{"file:///a b", "file:///a%20b", "file:///ü"} {
		_, err := config.Parse([]byte("dbs: [{path: /db, replica: {url: '"+url+"'}}]"), config.Options{})
		require.ErrorIs(t, err, fs.ErrInvalid, url)
	}
	for url, found := range map[string]string{"file://$PLACE/x": "x", "file://$PLACE/x//y/./z/": "x/y/z"} {
		name := filepath.Join(dir, filepath.FromSlash(found), "ltx/0/0000000000000007-0000000000000007.ltx")
		require.NoError(t, os.MkdirAll(filepath.Dir(name), 0o755))
		require.NoError(t, os.WriteFile(name, make([]byte, 200), 0o600))
		require.NoError(t, os.WriteFile(yml, []byte("dbs: [{path: /db, replica: {url: '"+url+"'}}]"), 0o600))
		_, theirs := run("", stock, "ltx", "-config", yml, "/db")
		_, ours := run("LTXSTORE_LIST="+yml, self)
		assert.Contains(t, theirs, "0000000000000007", url)
		assert.Equal(t, "0000000000000007\n", ours, url)
		require.NoError(t, os.RemoveAll(filepath.Join(dir, strings.Split(found, "/")[0])))
	}
}
