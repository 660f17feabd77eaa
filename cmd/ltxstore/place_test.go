package main

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/net/webdav"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/internal/testkit/absfake"
	"github.com/ltxstore/ltxstore/internal/testkit/gcsfake"
	"github.com/ltxstore/ltxstore/internal/testkit/ossfake"
	"github.com/ltxstore/ltxstore/internal/testkit/race"
	"github.com/ltxstore/ltxstore/internal/testkit/s3fake"
	"github.com/ltxstore/ltxstore/testing/replicatest"
)

// places are stores in which a replica can be put anywhere.
func places(t *testing.T) map[string]func(at string) string {
	s3, _ := service(t, s3fake.New(s3fake.Options{}, "bucket"))
	gs, _ := service(t, gcsfake.New(gcsfake.Options{}, "bucket"))
	oss, _ := service(t, ossfake.New(ossfake.Options{}, "bucket"))
	abs, _ := service(t, absfake.New(absfake.Options{Account: "account", Key: "c2VjcmV0"}, "bucket"))
	dav, _ := service(t, &webdav.Handler{FileSystem: webdav.NewMemFS(), LockSystem: webdav.NewMemLS()})
	dir := t.TempDir()
	t.Setenv("OSS_ACCESS_KEY_ID", "AKID")
	t.Setenv("OSS_ACCESS_KEY_SECRET", "secret")
	t.Setenv("AZURE_STORAGE_KEY", "c2VjcmV0")
	t.Setenv("AWS_ACCESS_KEY_ID", "AKID")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "secret")
	return map[string]func(at string) string{
		"file": func(at string) string { return "file://" + dir + "/" + at },
		"s3":   func(at string) string { return "s3://bucket/" + at + "?region=us-east-1&endpoint=" + s3 },
		"gs":   func(at string) string { return "gs://bucket/" + at + "?endpoint=" + gs },
		"oss":  func(at string) string { return "oss://bucket/" + at + "?endpoint=" + oss },
		"abs":  func(at string) string { return "abs://account@bucket/" + at + "?endpoint=" + abs },

		"webdav": func(at string) string { return "webdav://" + strings.TrimPrefix(dav, "http://") + "/bucket/" + at },
	}
}

func service(t *testing.T, handler http.Handler) (url string, requests *atomic.Int64) {
	requests = new(atomic.Int64)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		requests.Add(1)
		handler.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	return server.URL, requests
}

func with(raw, parameter string) string {
	if strings.Contains(raw, "?") {
		return raw + "&" + parameter
	}
	return raw + "?" + parameter
}

// put writes a replica: a file on each level.
func put(t *testing.T, raw, layout string, levels ...int) {
	t.Helper()
	client, err := ltxstore.OpenSource(t.Context(), ltxstore.Source{URL: raw, Layout: layout})
	require.NoError(t, err)
	client.(ltxstore.LoggerSetter).SetLogger(nil)
	for _, level := range levels {
		_, err := client.WriteLTXFile(t.Context(), level, 1, 1, bytes.NewReader(replicatest.NewLTXFile(1, 1, time.Unix(1, 0), 1)))
		require.NoError(t, err)
	}
	require.NoError(t, ltxstore.Close(client))
}

// A folder of a replica is not taken for another one, by any command, on any store.
func TestOneFolderTooDeep(t *testing.T) {
	s, runs := newShell(t), race.OneOf(3)
	for store, at := range places(t) {
		put(t, at("a"), "default", 0, 1, 9)
		put(t, at("b"), "litestream", 0, 1, 9)
		put(t, at("c"), "litestream-s3", 0, 1, 9)
		put(t, at("new"), "default", 0) // no snapshot yet
		put(t, at("x"), "default", 9)
		for below, meant := range map[string]string{
			"a/ltx": "a", "a/ltx/": "a", "a/ltx/0000": "a", "a/ltx/0007": "a", "a/snapshots": "a", "a/./ltx": "a", "a/l%74x": "a",
			"b/ltx": "b", "b/ltx/0": "b", "b/ltx/7": "b", "c/0000": "c", "c/0009": "c", "new/ltx": "new", "new/ltx/0000": "new",
		} {
			if few := []string{"a/ltx", "a/l%74x", "a/ltx/0000", "b/ltx/0", "c/0009"}; store != "file" && !slices.Contains(few, below) || !runs() {
				continue
			}
			whole := at(meant)
			held := s.ok(t, "ls", whole)
			all := [][]string{
				{"rm", "-all", "-yes", at(below)}, {"ls", at(below)}, {"verify", at(below)}, {"restore", at(below), "DIR/out"}, {"cat", at(below), "0", "0000000000000001-0000000000000001"},
				{"rm", "-yes", at(below), "0", "0000000000000001-0000000000000001"},
				{"cp", at(below), s.url("copy")}, {"cp", "-yes", at("x"), at(below)}, {"bench", "-files", "1", "-large", "8KiB", at(below)},
				{"check", "-only", "write/exact", at(below)},
			}
			if store != "file" {
				all = all[:1]
			}
			for _, args := range all {
				r := s.fails(t, exitFailed, args...)
				assert.Contains(t, r, "is a folder of the replica "+ltxstore.Redact(strings.ReplaceAll(whole, s.dir, "DIR"))+" (layout ", "%s %v", store, args)
			}
			assert.Equal(t, held, s.ok(t, "ls", whole), "%s %s", store, below)
		}
		assert.NoDirExists(t, s.dir+"/copy")

		// Who names the layout means it.
		assert.Contains(t, s.run(t.Context(), "ls", with(at("a/ltx"), "layout=litestream-s3")).out, "2 files", store)
		// And others may have such names.
		put(t, at("e/ltx"), "litestream-s3", 0, 1, 9)
		assert.Contains(t, s.ok(t, "ls", at("e/ltx")), "3 files", store)
		assert.Contains(t, s.fails(t, exitFailed, "rm", "-all", "-yes", at("e/ltx/0000")), "is a folder of the replica "+ltxstore.Redact(at("e/ltx"))+" (layout litestream-s3)", store)
		assert.Contains(t, s.fails(t, exitFailed, "rm", "-all", "-yes", at("e")), "has a replica in its folder ltx (layout litestream-s3)", store)
		assert.Contains(t, s.fails(t, exitFailed, "cp", "-yes", at("x"), at("e")), "has a replica in its folder ltx", store)
		assert.NoError(t, above(t.Context(), atURL(with(at("e"), "layout=default"))), store)
		for _, name := range []string{"f/ltx", "f/0000", "f/snapshots", "f/2026", "a/sub/0007", "b/sub/7"}[:map[string]int{"file": 6}[store]] {
			put(t, at(name), "default", 0, 9)
			assert.Contains(t, s.ok(t, "ls", at(name)), "2 files", "%s %s", store, name)
			assert.Contains(t, s.run(t.Context(), "rm", "-all", "-yes", at(name)).out, "deleted ", "%s %s", store, name)
		}
	}
}

// What is written to or deleted from is said, with the layout that was found.
// A directory is recognized by its own name, not by that of a link to it.
func TestOneFolderTooDeepByALink(t *testing.T) {
	s := newShell(t)
	put(t, s.url("rep"), "default", 0, 9)
	link := filepath.Join(s.dir, "link")
	require.NoError(t, os.Symlink("rep/ltx", link))
	for _, at := range []string{link, s.url("link"), s.url("link") + "/.", s.url("link/0000")} {
		assert.Contains(t, s.fails(t, exitFailed, "rm", "-all", "-yes", at), "is a folder of the replica file://", at)
	}
	require.NoError(t, os.Symlink("rep", filepath.Join(s.dir, "whole")))
	s.ok(t, "ls", s.url("whole"))
	assert.Contains(t, s.ok(t, "rm", "-all", "-yes", s.url("whole")), "deleted ")
}

func TestLayoutIsSaid(t *testing.T) {
	s := newShell(t)
	at := s.url("b")
	put(t, at, "litestream", 0, 9)
	assert.Contains(t, s.run(t.Context(), "cp", "-dry-run", s.url("rep"), at).out, "from layout default to layout litestream\n")
	assert.Contains(t, s.run(t.Context(), "cp", "-dry-run", s.url("rep"), s.url("none")+"?layout=litestream-s3").out, "from layout default to layout litestream-s3\n")

	s.tty = true
	for answer, want := range map[string]string{"": "nothing was copied", "n\n": "nothing was copied", "y\n": ""} {
		s.in = answer
		r := s.run(t.Context(), "cp", s.url("rep"), at)
		assert.Contains(t, r.err, "copy to file://DIR/b (layout litestream), which already has files? [y/N] ")
		assert.Contains(t, r.err, want)
		assert.Equal(t, answer == "y\n", r.code == exitOK, "%s", r.err)
	}
	s.in = ""
	for _, args := range [][]string{{"cp", "-yes", s.url("rep"), at}, {"cp", "-dry-run", s.url("rep"), at}, {"cp", s.url("rep"), at + "?layout=litestream"}, {"cp", s.url("rep"), s.url("empty")}} {
		assert.NotContains(t, s.run(t.Context(), args...).err, "[y/N]", "%v", args)
	}
	s.in = "y\n"
	r := s.run(t.Context(), "rm", "-all", at)
	assert.Contains(t, r.err, "delete all of file://DIR/b (layout litestream): ")
	assert.Contains(t, r.out, "of file://DIR/b (layout litestream)\n")
}

// An empty place costs few requests, the hint included, which object stores have too.
func TestEmptyPlace(t *testing.T) {
	t.Setenv("AWS_ACCESS_KEY_ID", "AKID")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "secret")
	s3, s3Requests := service(t, s3fake.New(s3fake.Options{}, "bucket", "empty"))
	gs, gsRequests := service(t, gcsfake.New(gcsfake.Options{}, "bucket", "empty"))
	s, runs := newShell(t), race.OneOf(4)
	for store, c := range map[string]struct {
		at       func(at string) string
		requests *atomic.Int64
	}{
		"s3": {func(at string) string { return "s3://" + at + "?region=us-east-1&endpoint=" + s3 }, s3Requests},
		"gs": {func(at string) string { return "gs://" + at + "?endpoint=" + gs }, gsRequests},
	} {
		put(t, c.at("bucket/app/db"), "default", 0, 9)
		for i := range 20 { // strangers
			put(t, c.at("bucket/app/other"+string(rune('a'+i))+"/db"), "default", 0)
		}
		for place, want := range map[string]string{
			"empty": "", "empty/a/b/c/d": "", "empty/0000": "", "empty/db/ltx/0000": "", "bucket/no/such/place": "", "bucket/app/dx/ltx": "",
			"bucket/app/db/x": "bucket/app/db", "bucket/app": "bucket/app/db",
		} {
			for _, layout := range []string{"", "layout=litestream"} {
				if !runs() {
					continue
				}
				url := c.at(place)
				if layout != "" {
					url = with(url, layout)
				}
				c.requests.Store(0)
				r := s.fails(t, exitFailed, "ls", url)
				assert.LessOrEqual(t, c.requests.Load(), int64(15), "%s %s", store, url)
				if want == "" {
					assert.NotContains(t, r, "there are some in", "%s %s", store, url)
				} else {
					assert.Contains(t, r, "there are some in "+ltxstore.Redact(c.at(want))+" (layout default)", "%s %s", store, url)
				}
			}
		}
		assert.Contains(t, s.fails(t, exitFailed, "ls", with(c.at("bucket/app/db"), "layout=litestream")), "(another layout: default)")
	}
}

// A listing shows of which clock its times are, at the cost of one file.
func TestRequestsOfLs(t *testing.T) {
	t.Setenv("AWS_ACCESS_KEY_ID", "AKID")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "secret")
	server := s3fake.New(s3fake.Options{}, "bucket")
	var reads atomic.Int64
	s3, _ := service(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Range") != "" {
			reads.Add(1)
		}
		server.ServeHTTP(w, r)
	}))
	s := newShell(t)
	at := "s3://bucket/db?layout=default&region=us-east-1&endpoint=" + s3
	put(t, at, "", 0, 1, 2)
	assert.Contains(t, s.ok(t, "ls", at), "3 files")
	assert.EqualValues(t, 1, reads.Load())
	assert.NotContains(t, s.ok(t, "ls", "-metadata", at), "STORED")
	assert.EqualValues(t, 1, reads.Load(), "the times come with the listing")
}

// Folders alone are no replica.
func TestEmptyFolders(t *testing.T) {
	s := newShell(t)
	require.NoError(t, os.MkdirAll(s.dir+"/bare/ltx", 0o755))
	assert.Contains(t, s.fails(t, exitFailed, "ls", s.url("none/ltx")), "no LTX files in file://DIR/none/ltx\n")
	require.NoError(t, os.MkdirAll(s.dir+"/mixed/ltx", 0o755))
	put(t, s.url("mixed/app"), "default", 0)
	assert.Contains(t, s.fails(t, exitFailed, "ls", s.url("mixed")), "there are some in file://DIR/mixed/app (layout default)\n")
	for _, args := range [][]string{{"ls", s.url("bare")}, {"ls", s.url("bare") + "?layout=litestream"}, {"ls", s.url("bare/below")},
		{"cat", s.url("bare"), "0", "0000000000000001-0000000000000001"}} {
		r := s.fails(t, exitFailed, args...)
		assert.Contains(t, r, "no LTX files in file://DIR/bare", "%v", args)
		assert.NotContains(t, r, "there are some in", "%v", args)
	}
}

// A replica of Litestream 0.3 is told from an empty place.
func TestReplicaOfVersion3(t *testing.T) {
	s := newShell(t)
	for store, at := range places(t) {
		if store == "file" {
			u, err := url.Parse(at("old"))
			require.NoError(t, err)
			require.NoError(t, os.MkdirAll(u.Path+"/generations/0123456789abcdef/snapshots", 0o755))
		} else {
			put(t, at("old/generations"), "default", 0)
		}
		for _, args := range [][]string{{"ls", at("old")}, {"verify", at("old")}, {"restore", at("old"), "DIR/out"}, {"cp", at("old"), s.url("copy")}, {"rm", "-all", at("old")}, {"ls", "-level", "0", at("old")}} {
			assert.Contains(t, s.fails(t, exitFailed, args...), "a replica of Litestream 0.3 (generations/) ", "%s %v", store, args)
		}
	}
}

// A folder of a replica of Litestream 0.3, and the place above it, name the replica.
// Nothing deletes it, and rm says so.
func TestNearVersion3(t *testing.T) {
	s := newShell(t)
	putV03(t, s.url("apps/old"), "0123456789abcdef")
	for _, at := range []string{"apps", "apps/old/generations", "apps/old/generations/0123456789abcdef", "apps/old/db"} {
		for _, args := range [][]string{{"ls", s.url(at)}, {"ls", "-level", "0", s.url(at)}, {"verify", s.url(at)}, {"restore", s.url(at), "DIR/out"}, {"rm", "-all", s.url(at)}} {
			assert.Contains(t, s.fails(t, exitFailed, args...), "a replica of Litestream 0.3 (generations/) in file://DIR/apps/old ", "%v", args)
		}
	}
	assert.Contains(t, s.fails(t, exitFailed, "rm", "-all", "-yes", s.url("apps/old")), "a replica of Litestream 0.3 (generations/) without LTX files")
	assert.Regexp(t, `0123456789abcdef +1 +0 `, s.ok(t, "ls", s.url("apps/old")), "it is still there")
}

// Where folders cannot be listed nothing is concluded from that.
func TestNoFolders(t *testing.T) {
	_, ok := placeOf("mem://").folders(t.Context())
	assert.False(t, ok)
	_, ok = placeOf("nosuch://x").folders(t.Context())
	assert.False(t, ok)
	names, ok := placeOf("file://" + t.TempDir() + "/none").folders(t.Context())
	assert.True(t, ok)
	assert.Empty(t, names)
}

func TestPlace(t *testing.T) {
	for raw, want := range map[string]string{
		"s3://bucket/a/b/?x=1&layout=auto&y=2": "s3://bucket/a/b?x=1&y=2",
		"s3://bucket?path=a/b&x=1":             "s3://bucket/a/b?x=1",
		"s3://bucket":                          "s3://bucket",
		"s3://bucket/":                         "s3://bucket",
		"file:///a/./b//c/../d/?layout=x":      "file:///a/b/d",
		"file:///":                             "file://",
	} {
		assert.Equal(t, want, placeOf(raw).String(), raw)
	}
	of := ltxstore.Source{URL: "s3://b/a", Settings: map[string]string{"layout": "litestream", "region": "x"}, Defaults: map[string]string{"layout": "default", "endpoint": "y"}}
	assert.Equal(t, ltxstore.Source{URL: "s3://b/a", Layout: "litestream-s3", Settings: map[string]string{"region": "x"}, Defaults: map[string]string{"endpoint": "y"}},
		place{of: &of}.source("litestream-s3"))
	for raw, want := range map[string][]string{
		"s3://bucket":                           {"s3://bucket/a%20b", "s3://bucket/c"},
		"s3://bucket/x/ltx":                     {"s3://bucket/x", "s3://bucket/x/ltx/a%20b", "s3://bucket/x/ltx/c"},
		"s3://bucket/x/y":                       {"s3://bucket/x", "s3://bucket/x/y/a%20b", "s3://bucket/x/y/c"},
		"file:///x":                             {"file:///x/a%20b", "file:///x/c"},
		"s3://b/x/generations/0123456789abcdef": {"s3://b/x", "s3://b/x/generations/0123456789abcdef/a%20b", "s3://b/x/generations/0123456789abcdef/c"},
	} {
		var near []string
		for _, p := range placeOf(raw).near([]string{"a b", "c"}) {
			near = append(near, p.String())
		}
		assert.Equal(t, want, near, raw)
	}
	assert.Len(t, placeOf("s3://b/x").near(make([]string, 9)), 4)
	_, _, ok := placeOf("s3://bucket").parent()
	assert.False(t, ok)
	assert.False(t, placeOf("nosuch://x").hasSnapshots(t.Context()))
}
