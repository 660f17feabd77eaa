package gcs

import (
	"bytes"
	"cmp"
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"

	"cloud.google.com/go/storage"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/api/option"

	"github.com/ltxstore/ltxstore/backend/oplog"
	"github.com/ltxstore/ltxstore/backend/transport"
	"github.com/ltxstore/ltxstore/internal/testkit/gcsfake"
	"github.com/ltxstore/ltxstore/internal/testkit/golden"
	"github.com/ltxstore/ltxstore/internal/testkit/httpfault"
)

// works writes, lists, reads and deletes.
func works(t *testing.T, c *ReplicaClient) {
	t.Helper()
	body := ltxBody(t, 2*testChunk)
	_, err := c.WriteLTXFile(t.Context(), 0, 1, 1, bytes.NewReader(body))
	require.NoError(t, err)
	it, err := c.LTXFiles(t.Context(), 0, 0, true)
	require.NoError(t, err)
	require.True(t, it.Next())
	require.NoError(t, it.Close())
	r, err := c.OpenLTXFile(t.Context(), 0, 1, 1, 100, 200)
	require.NoError(t, err)
	got, err := io.ReadAll(r)
	require.NoError(t, err)
	require.NoError(t, r.Close())
	assert.Equal(t, body[100:300], got)
	require.NoError(t, c.DeleteAll(t.Context()))
}

func TestEndpoints(t *testing.T) {
	b := newBench(t, gcsfake.Options{}, nil)
	host := strings.TrimPrefix(b.url, "http://")
	for name, tt := range map[string]struct{ endpoint, emulator string }{
		"endpoint": {b.url, ""}, "with a slash": {b.url + "/", ""}, "with the API's path": {b.url + "/storage/v1/", ""}, "without its slash": {b.url + "/storage/v1", ""},
		"emulator's host": {"", host}, "emulator's URL": {"", b.url}, "both": {b.url, "127.0.0.1:1"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("STORAGE_EMULATOR_HOST", tt.emulator)
			works(t, b.client(t, func(cfg *Config) { cfg.Endpoint = tt.endpoint }))
		})
	}
	for _, bad := range []string{"ftp://x", "http://x/some/path"} {
		t.Setenv("STORAGE_EMULATOR_HOST", bad)
		err := b.client(t, func(cfg *Config) { cfg.Endpoint = "" }).Init(t.Context())
		require.ErrorIs(t, err, fs.ErrInvalid)
		assert.ErrorContains(t, err, "STORAGE_EMULATOR_HOST")
	}
}

// accountKey is the key of every service account: to make one takes a second under the race
// detector.
var accountKey = sync.OnceValues(func() (*rsa.PrivateKey, error) { return rsa.GenerateKey(rand.Reader, 2048) })

// serviceAccount returns credentials of a service account whose tokens come
// from tokenURL.
func serviceAccount(t *testing.T, tokenURL string) []byte {
	t.Helper()
	key, err := accountKey()
	require.NoError(t, err)
	der, err := x509.MarshalPKCS8PrivateKey(key)
	require.NoError(t, err)
	content, err := json.Marshal(map[string]string{
		"type": "service_account", "client_email": "a@b.iam.gserviceaccount.com", "private_key_id": "1", "token_uri": tokenURL,
		"private_key": string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})),
	})
	require.NoError(t, err)
	return content
}

// tokens answers requests for tokens, and passes all others on.
type tokens struct {
	http.RoundTripper
	asked   int
	deny    bool
	token   string // "sesame" if empty
	seconds int    // that it holds; an hour if 0
}

func (rt *tokens) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.URL.Host != "token.example" {
		return rt.RoundTripper.RoundTrip(req)
	}
	rt.asked++
	if rt.deny {
		return answering(400, nil, `{"error":"invalid_grant"}`)(req)
	}
	return answering(200, http.Header{"Content-Type": {"application/json"}}, `{"access_token":"`+cmp.Or(rt.token, "sesame")+`","token_type":"Bearer","expires_in":`+strconv.Itoa(cmp.Or(rt.seconds, 3600))+`}`)(req)
}

func TestCredentials(t *testing.T) {
	b := newBench(t, gcsfake.Options{Token: "sesame"}, nil)
	content := serviceAccount(t, "https://token.example/token")
	file := filepath.Join(t.TempDir(), "credentials.json")
	require.NoError(t, os.WriteFile(file, content, 0o600))
	for name, change := range map[string]func(*Config){
		"JSON": func(cfg *Config) { cfg.CredentialsJSON = content },
		"file": func(cfg *Config) { cfg.CredentialsFile = file },
	} {
		rt := &tokens{RoundTripper: http.DefaultTransport}
		works(t, b.client(t, func(cfg *Config) {
			change(cfg)
			cfg.HTTP.RoundTripper = rt
		}))
		assert.Equal(t, 1, rt.asked, name)
	}

	// The default credentials, which an endpoint has none of.
	t.Setenv("GOOGLE_APPLICATION_CREDENTIALS", file)
	_, err := b.client(t, func(cfg *Config) { cfg.Endpoint = b.url }).OpenLTXFile(t.Context(), 0, 1, 1, 0, 0)
	require.ErrorIs(t, err, fs.ErrPermission)
	rt := &tokens{RoundTripper: redirect{b.url}}
	works(t, b.client(t, func(cfg *Config) { cfg.Endpoint, cfg.HTTP.RoundTripper = "", rt }))
	assert.Equal(t, 1, rt.asked)

	// A token that is about to end is replaced before a request, and not beside it.
	rt = &tokens{RoundTripper: http.DefaultTransport, seconds: 30}
	c := b.client(t, func(cfg *Config) { cfg.CredentialsJSON, cfg.HTTP.RoundTripper = content, rt })
	for i := range 3 {
		_, err := c.OpenLTXFile(t.Context(), 0, 1, 1, 0, 0)
		require.ErrorIs(t, err, fs.ErrNotExist)
		assert.Equal(t, i+1, rt.asked)
	}

	// A token that is refused is no outage of the store, and shows nothing.
	rt = &tokens{RoundTripper: http.DefaultTransport, deny: true}
	_, err = b.client(t, func(cfg *Config) { cfg.CredentialsJSON, cfg.HTTP.RoundTripper = content, rt }).OpenLTXFile(t.Context(), 0, 1, 1, 0, 0)
	require.Error(t, err)
	assert.NotErrorIs(t, err, fs.ErrNotExist)
	assert.NotContains(t, err.Error(), "assertion=")
}

// redirect sends what is for Google to a server of the test's.
type redirect struct{ url string }

func (r redirect) RoundTrip(req *http.Request) (*http.Response, error) {
	req = req.Clone(req.Context())
	req.URL.Scheme, req.URL.Host = "http", strings.TrimPrefix(r.url, "http://")
	resp, err := http.DefaultTransport.RoundTrip(req)
	if err == nil { // as the service would, at whose name it was asked
		resp.Header.Set("Location", strings.Replace(resp.Header.Get("Location"), "http:", "https:", 1))
	}
	return resp, err
}

func TestNoDefaultCredentials(t *testing.T) {
	t.Setenv("STORAGE_EMULATOR_HOST", "")
	t.Setenv("GOOGLE_APPLICATION_CREDENTIALS", filepath.Join(t.TempDir(), "missing"))
	err := NewReplicaClient(Config{Bucket: "bucket", HTTP: transport.Options{RoundTripper: nobody{t}}}).Init(t.Context())
	require.ErrorIs(t, err, fs.ErrInvalid)
	assert.NotErrorIs(t, err, fs.ErrNotExist, "no missing LTX file")
	assert.ErrorContains(t, err, "CredentialsFile")
}

// Every request names the project that pays.
func TestQuotaProject(t *testing.T) {
	b := newBench(t, gcsfake.Options{UserProject: "payer"}, nil)
	works(t, b.client(t, func(cfg *Config) {
		cfg.QuotaProject, cfg.WriteOnce = "payer", true
	}))
	_, err := b.read(t, 0, 0)
	require.Error(t, err, "without it")
}

// A client that is the caller's is used, repeats what fails, and is not closed.
func TestForeignClient(t *testing.T) {
	b := newBench(t, gcsfake.Options{}, nil)
	client, err := storage.NewClient(t.Context(), option.WithEndpoint(b.url+"/storage/v1/"), option.WithoutAuthentication())
	require.NoError(t, err)
	defer client.Close()
	c := b.client(t, func(cfg *Config) { cfg.Endpoint, cfg.Client = "", client })
	works(t, c)
	b.server.Put("bucket", testKey, ltxBody(t, 1000))
	b.fail("ReadObject", 2, httpfault.Status(503, nil, ""))
	b.fail("DeleteObject", 2, httpfault.Status(503, nil, ""))
	b.fail("WriteObject", 2, httpfault.Status(503, nil, ""))
	b.faults.Reset()
	r, err := c.OpenLTXFile(t.Context(), 0, 1, 1, 0, 0)
	require.NoError(t, err)
	_, err = io.Copy(io.Discard, r)
	require.NoError(t, err)
	require.NoError(t, r.Close())
	_, err = c.WriteLTXFile(t.Context(), 0, 1, 1, bytes.NewReader(ltxBody(t, 300)))
	require.NoError(t, err)
	require.NoError(t, c.DeleteAll(t.Context()))
	assert.Zero(t, b.faults.Unused())
	require.NoError(t, c.Close())
	b.server.Put("bucket", testKey, ltxBody(t, 1000))
	_, err = client.Bucket("bucket").Object(testKey).Attrs(t.Context())
	assert.NoError(t, err, "the caller's client is still open")
}

// A bundle that is not there is no missing file.
func TestMissingCABundle(t *testing.T) {
	err := NewReplicaClient(Config{Bucket: "bucket", HTTP: transport.Options{CABundle: filepath.Join(t.TempDir(), "missing")}}).Init(t.Context())
	require.ErrorIs(t, err, fs.ErrInvalid)
	assert.NotErrorIs(t, err, fs.ErrNotExist)
	assert.ErrorContains(t, err, "CABundle")
}

// Each setting of the pool reaches it, and so does each timeout.
func TestPool(t *testing.T) {
	store, err := Config{Bucket: "bucket", Anonymous: true, HTTP: transport.Options{Dial: new(net.Dialer).DialContext, MaxConns: 9, MaxIdleConns: 7, IdleConnTimeout: 11, ResponseTimeout: 13, InsecureSkipVerify: true}}.connect(t.Context(), &oplog.Logger{})
	require.NoError(t, err)
	pool, ok := store.Bucket.(*bucket).http.Transport.(*roundTripper).next.(*http.Transport)
	require.True(t, ok)
	assert.Equal(t, 9, pool.MaxConnsPerHost)
	assert.Equal(t, 7, pool.MaxIdleConnsPerHost)
	assert.EqualValues(t, 11, pool.IdleConnTimeout)
	assert.EqualValues(t, 13, pool.ResponseHeaderTimeout)
	assert.True(t, pool.TLSClientConfig.InsecureSkipVerify)
	store.Close()
}

// A server that takes a request and never answers is asked again.
func TestResponseTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newMemoryBench(t, nil)
		b.server.Put("bucket", testKey, ltxBody(t, 300))
		b.fail("ListObjects", 1, func(_ httpfault.Exchange, _ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
		begun := time.Now()
		files, err := b.list(t, 0, false)
		require.NoError(t, err)
		assert.Len(t, files, 1)
		assert.Equal(t, time.Minute, time.Since(begun).Round(time.Second))
		b.counts(t, map[string]int{"ListObjects": 2})
	})
}

// A token would go to wherever an answer points.
func TestRedirectIsNotFollowed(t *testing.T) {
	b := newBench(t, gcsfake.Options{}, nil)
	elsewhere := newBench(t, gcsfake.Options{}, nil)
	elsewhere.server.Put("bucket", testKey, ltxBody(t, 300))
	b.fail("", -1, func(_ httpfault.Exchange, w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, elsewhere.url+r.URL.RequestURI(), http.StatusTemporaryRedirect)
	})
	_, err := b.read(t, 0, 0)
	require.Error(t, err)
	assert.NotErrorIs(t, err, fs.ErrNotExist)
	_, err = b.write(t, bytes.NewReader(ltxBody(t, 300)))
	require.Error(t, err)
	_, err = b.list(t, 0, false)
	require.Error(t, err)
	assert.Zero(t, elsewhere.faults.Requests())
}

// The customer's key may be in a file, and is the caller's to change.
func TestCustomerKeyOfAFile(t *testing.T) {
	key := bytes.Repeat([]byte("k"), 32)
	file := filepath.Join(t.TempDir(), "key")
	require.NoError(t, os.WriteFile(file, []byte(base64.StdEncoding.EncodeToString(key)+"\n"), 0o600))
	for name, change := range map[string]func(*Config){
		"file":  func(cfg *Config) { cfg.SSECustomerKeyFile = file },
		"bytes": func(cfg *Config) { cfg.SSECustomerKey = bytes.Clone(key) },
	} {
		wire := &golden.Transport{Handler: gcsfake.New(gcsfake.Options{}, "bucket")}
		cfg := Config{Bucket: "bucket", HTTP: transport.Options{RoundTripper: wire}, Anonymous: true, Logger: slog.New(slog.DiscardHandler)}
		change(&cfg)
		c := NewReplicaClient(cfg)
		require.NoError(t, c.Init(t.Context()))
		clear(cfg.SSECustomerKey)
		_, err := c.WriteLTXFile(t.Context(), 0, 1, 1, strings.NewReader("x"))
		require.NoError(t, err)
		assert.Contains(t, wire.Text(), "X-Goog-Encryption-Key: "+base64.StdEncoding.EncodeToString(key), name)
	}

	// In the clear it would not be a secret, whoever names the endpoint.
	t.Setenv("STORAGE_EMULATOR_HOST", "127.0.0.1:1")
	err := NewReplicaClient(Config{Bucket: "bucket", SSECustomerKey: key}).Init(t.Context())
	require.ErrorIs(t, err, fs.ErrInvalid)
	assert.ErrorContains(t, err, "want https")
}

// Init's context is for Init alone, and one that has ended leaves no state.
func TestInitContext(t *testing.T) {
	b := newBench(t, gcsfake.Options{}, nil)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, b.Init(ctx), context.Canceled)
	ctx, cancel = context.WithCancel(t.Context())
	require.NoError(t, b.Init(ctx))
	cancel()
	works(t, b.ReplicaClient)
}

// Of a caller's client a failed upload is not published either.
func TestForeignClientSourceFails(t *testing.T) {
	b := newBench(t, gcsfake.Options{}, nil)
	client, err := storage.NewClient(t.Context(), option.WithEndpoint(b.url+"/storage/v1/"), option.WithoutAuthentication())
	require.NoError(t, err)
	defer client.Close()
	c := b.client(t, func(cfg *Config) { cfg.Endpoint, cfg.Client = "", client })
	failure := errors.New("disk")
	for _, size := range []int{200, 3 * testChunk} {
		_, err = c.WriteLTXFile(t.Context(), 0, 1, 1, io.MultiReader(bytes.NewReader(ltxBody(t, size)), iotest.ErrReader(failure)))
		require.ErrorIs(t, err, failure)
		assert.Empty(t, b.server.Keys("bucket"))
	}
}
