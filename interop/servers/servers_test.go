package servers

import (
	"context"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestServers(t *testing.T) {
	for name, start := range map[string]func(testing.TB, bool) *Server{"versitygw": Versitygw, "minio": MinIO} {
		for scheme, tls := range map[string]bool{"http": false, "https": true} {
			t.Run(name+" "+scheme, func(t *testing.T) {
				t.Parallel()
				s := start(t, tls)
				assert.Equal(t, name, s.Name)
				assert.Regexp(t, "^"+scheme+`://127\.0\.0\.1:\d+$`, s.Endpoint)
				assert.Equal(t, tls, s.CABundle != "")

				b, other := s.NewBucket(t), s.NewBucket(t)
				require.NotEqual(t, b.Name, other.Name)
				checkBucket(t, b)
				if name == "minio" && tls {
					checkBucket(t, other.WithCustomerKey([]byte(strings.Repeat("k", 32))))
					_, err := other.Get(t.Context(), "dir/a b+ä.ltx")
					require.Error(t, err, "the key is needed to read")
				}
			})
		}
	}
}

func checkBucket(t *testing.T, b *Bucket) {
	ctx, key := t.Context(), "dir/a b+ä.ltx"
	keys := func(prefix string) []string {
		found, err := b.Keys(ctx, prefix)
		require.NoError(t, err)
		return found
	}
	require.Empty(t, keys(""))
	require.NoError(t, b.Put(ctx, key, []byte("content")))
	require.NoError(t, b.Put(ctx, "z", nil))
	require.Equal(t, []string{key, "z"}, keys(""))
	require.Equal(t, []string{key}, keys("dir/"))

	_, err := b.server.api.PutObject(ctx, &s3.PutObjectInput{
		Bucket: &b.Name, Key: &key, Body: strings.NewReader("content"), Metadata: map[string]string{"m": "v"},
		SSECustomerAlgorithm: b.sse.algorithm, SSECustomerKey: b.sse.key, SSECustomerKeyMD5: b.sse.md5,
	})
	require.NoError(t, err)
	metadata := func() map[string]string {
		head, err := b.server.api.HeadObject(ctx, &s3.HeadObjectInput{
			Bucket: &b.Name, Key: &key,
			SSECustomerAlgorithm: b.sse.algorithm, SSECustomerKey: b.sse.key, SSECustomerKeyMD5: b.sse.md5,
		})
		require.NoError(t, err)
		return head.Metadata
	}
	require.Equal(t, map[string]string{"m": "v"}, metadata())
	require.NoError(t, b.Strip(ctx, key))
	require.Empty(t, metadata())
	content, err := b.Get(ctx, key)
	require.NoError(t, err)
	require.Equal(t, "content", string(content))

	require.NoError(t, b.StartUpload(ctx, "dir/up"))
	require.NoError(t, b.StartUpload(ctx, "dir/up"))
	require.NoError(t, b.StartUpload(ctx, "other/up"))
	for prefix, want := range map[string][]string{"dir/up": {"dir/up", "dir/up"}, "other/up": {"other/up"}, "none/up": nil} {
		uploads, err := b.Uploads(ctx, prefix)
		require.NoError(t, err)
		require.Equal(t, want, uploads)
	}
}

// fakeGo puts a go command on the path that counts its runs in the returned
// file and makes a binary of its environment.
func fakeGo(t *testing.T, then string) (runs string) {
	t.Helper()
	dir := t.TempDir()
	runs = filepath.Join(dir, "runs")
	script := "#!/bin/sh\necho \"$@\" >>" + runs + "\n" + then + "\n"
	require.NoError(t, os.WriteFile(filepath.Join(dir, "go"), []byte(script), 0o755))
	t.Setenv("PATH", dir+string(os.PathListSeparator)+os.Getenv("PATH"))
	return runs
}

// TestBuildOnce: any number of packages that start at once build a server once.
func TestBuildOnce(t *testing.T) {
	t.Setenv(cacheVariable, t.TempDir())
	t.Setenv("LTXSTORE_VERSITYGW", "")
	t.Setenv("GOFLAGS", "-mod=mod")
	t.Setenv("GOOS", "plan9")
	runs := fakeGo(t, `env >"$GOBIN/versitygw"`)
	paths := make([]string, 8)
	var wg sync.WaitGroup
	for i := range paths {
		wg.Go(func() {
			var err error
			paths[i], err = versitygw.find(t.Context(), t.Logf)
			assert.NoError(t, err)
		})
	}
	wg.Wait()
	want := filepath.Join(os.Getenv(cacheVariable), "versitygw@v1.8.0", "versitygw")
	for _, path := range paths {
		require.Equal(t, want, path)
	}
	ran, err := os.ReadFile(runs)
	require.NoError(t, err)
	require.Equal(t, "install -trimpath -ldflags=-s -w github.com/versity/versitygw/cmd/versitygw@v1.8.0\n", string(ran))
	env, err := os.ReadFile(want)
	require.NoError(t, err)
	require.Contains(t, string(env), "CGO_ENABLED=0\n")
	require.NotContains(t, string(env), "GOFLAGS=")
	require.NotContains(t, string(env), "GOOS=")
	left, err := filepath.Glob(filepath.Join(filepath.Dir(want), "build-*"))
	require.NoError(t, err)
	require.Empty(t, left)
}

// TestBuild: whoever waits for minutes is told why, and then told nothing.
func TestBuild(t *testing.T) {
	t.Setenv(cacheVariable, t.TempDir())
	t.Setenv("LTXSTORE_VERSITYGW", "")
	t.Setenv("LTXSTORE_MINIO", "")
	t.Setenv("LTXSTORE_LITESTREAM05", "")
	fakeGo(t, `touch "$GOBIN/versitygw" "$GOBIN/minio" "$GOBIN/litestream"`)
	var told int
	build := func() {
		paths, err := Build(t.Context(), func(string, ...any) { told++ })
		require.NoError(t, err)
		require.Len(t, paths, 3)
		for _, path := range paths {
			require.FileExists(t, path)
		}
	}
	build()
	require.Equal(t, 3, told)
	build()
	require.Equal(t, 3, told)
}

// TestNoServer: what cannot be had says what to do.
func TestNoServer(t *testing.T) {
	t.Setenv(cacheVariable, t.TempDir())
	t.Setenv("LTXSTORE_MINIO", "")
	fakeGo(t, "echo no such module; exit 1")
	_, err := minio.find(t.Context(), t.Logf)
	require.ErrorContains(t, err, "building github.com/minio/minio@v0.0.0-20260212201848-7aac2a2c5b7c: exit status 1")
	require.ErrorContains(t, err, "no such module")
	require.ErrorContains(t, err, "LTXSTORE_MINIO")

	missing := filepath.Join(t.TempDir(), "none")
	t.Setenv("LTXSTORE_MINIO", missing)
	_, err = minio.find(t.Context(), t.Logf)
	require.ErrorContains(t, err, "LTXSTORE_MINIO names the minio to use")
	t.Setenv("LTXSTORE_MINIO", t.TempDir())
	_, err = minio.find(t.Context(), t.Logf)
	require.ErrorContains(t, err, "want the path of a minio binary")
}

// TestStartFails: a server that does not start shows what it said.
func TestStartFails(t *testing.T) {
	dir := t.TempDir()
	script := filepath.Join(dir, "server")
	require.NoError(t, os.WriteFile(script, []byte("#!/bin/sh\necho port is taken\nexit 3\n"), 0o755))
	_, err := command{binary: script, dir: dir}.run(context.Background(), http.DefaultClient, "http://"+freeAddress(t))
	require.ErrorContains(t, err, "it ended at once: exit status 3")
	require.ErrorContains(t, err, "port is taken")
}
