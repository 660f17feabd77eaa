package abs

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"math"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"testing/iotest"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/backend/object"
	"github.com/ltxstore/ltxstore/backend/transport"
	"github.com/ltxstore/ltxstore/internal/testkit/absfake"
	"github.com/ltxstore/ltxstore/internal/testkit/httpfault"
)

const (
	testFile = "db/ltx/0000/0000000000000001-0000000000000001.ltx"
	testPart = 64 << 10
)

var testKey = base64.StdEncoding.EncodeToString([]byte("a key of the account of the test"))

// bench is a server under faults, and a client of it.
type bench struct {
	*ReplicaClient
	server *absfake.Server
	faults *httpfault.Layer
	url    string
}

func newBench(t *testing.T, opt absfake.Options, change func(*Config)) *bench {
	t.Helper()
	opt.Account, opt.Key = "account", testKey
	b := &bench{server: absfake.New(opt, "container")}
	b.faults = httpfault.New(b.server)
	b.faults.Name(absfake.Operation)
	server := httptest.NewUnstartedServer(b.faults)
	server.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	server.Start()
	t.Cleanup(server.Close)
	t.Cleanup(server.CloseClientConnections)
	b.url = server.URL
	cfg := Config{
		Account: "account", AccountKey: testKey, Bucket: "container", Path: "db", Layout: ltxstore.LayoutLitestream, Endpoint: b.url, Transfer: object.Options{PartSize: testPart},
		Retry:  ltxstore.Retry{MaxAttempts: 2, BaseDelay: time.Microsecond, MaxDelay: time.Microsecond},
		Logger: slog.New(slog.DiscardHandler),
	}
	if change != nil {
		change(&cfg)
	}
	b.ReplicaClient = NewReplicaClient(cfg)
	t.Cleanup(func() { assert.NoError(t, b.Close()) })
	return b
}

func (b *bench) write(t *testing.T, body []byte) error {
	_, err := b.WriteLTXFile(t.Context(), 0, 1, 1, struct{ io.Reader }{bytes.NewReader(body)})
	return err
}

func (b *bench) read(t *testing.T, offset, size int64) (string, error) {
	r, err := b.OpenLTXFile(t.Context(), 0, 1, 1, offset, size)
	if err != nil {
		return "", err
	}
	defer r.Close()
	body, err := io.ReadAll(r)
	return string(body), err
}

// list returns what ends the listing of level 0.
func (b *bench) list(t *testing.T, seek ltx.TXID) error {
	it, err := b.LTXFiles(t.Context(), 0, seek, false)
	require.NoError(t, err)
	for it.Next() {
	}
	return it.Close()
}

func plain(size int) []byte { return bytes.Repeat([]byte("0123456789abcdef"), size/16+1)[:size] }

// What is sent for each operation: no request more than there must be.
func TestRequests(t *testing.T) {
	b := newBench(t, absfake.Options{PageSize: 100}, nil)
	did := func(want map[string]int) {
		t.Helper()
		assert.Equal(t, want, b.faults.Counts())
		b.faults.Reset()
	}
	require.NoError(t, b.write(t, plain(testPart)))
	did(map[string]int{"PutBlob": 1})
	require.NoError(t, b.write(t, plain(testPart+1)))
	did(map[string]int{"PutBlock": 2, "PutBlockList": 1})
	var files []*ltx.FileInfo
	for i := ltx.TXID(1); i <= 300; i++ {
		files = append(files, &ltx.FileInfo{MinTXID: i, MaxTXID: i})
		b.server.Put("container", fmt.Sprintf("db/ltx/0/%s-%s.ltx", i, i), plain(200))
	}
	require.NoError(t, b.list(t, 299))
	did(map[string]int{"ListBlobs": 1})
	require.NoError(t, b.DeleteLTXFiles(t.Context(), files))
	did(map[string]int{"BlobBatch": 2})
	require.NoError(t, b.DeleteAll(t.Context()))
}

// The files and their metadata are Litestream's, and the MD5 is kept of a body
// in blocks too.
func TestBlob(t *testing.T) {
	b := newBench(t, absfake.Options{}, func(cfg *Config) { cfg.AccessTier, cfg.EncryptionScope = "Cool", "scope" })
	for _, size := range []int{300, 3*testPart + 5} {
		body := plain(size)
		require.NoError(t, b.write(t, body))
		blob, ok := b.server.Get("container", "db/ltx/0/0000000000000001-0000000000000001.ltx")
		require.True(t, ok)
		assert.Equal(t, []string{"Cool", "scope"}, []string{blob.Tier, blob.Scope})
		assert.Len(t, blob.MD5, 16)
		assert.Equal(t, "1", blob.Metadata["mintxid"])
	}
	b.faults.Add(&httpfault.Rule{Match: httpfault.Match{Operation: "GetBlob"}, Do: httpfault.Corrupt(100), Times: -1})
	_, err := b.read(t, 0, 0)
	assert.ErrorIs(t, err, ltxstore.ErrChecksum)
}

// Ranges at their limits: Azure answers 416 where Azurite answers an empty 206.
func TestRanges(t *testing.T) {
	for _, emulated := range []bool{false, true} {
		b := newBench(t, absfake.Options{Emulated: emulated}, nil)
		require.NoError(t, b.write(t, plain(16)))
		for _, test := range []struct {
			offset, size int64
			want         string
		}{{10, 0, "abcdef"}, {10, 2, "ab"}, {16, 0, ""}, {16, 5, ""}, {20, 1, ""}, {12, math.MaxInt64, "cdef"}, {math.MaxInt64, 1, ""}} {
			got, err := b.read(t, test.offset, test.size)
			assert.NoError(t, err)
			assert.Equal(t, test.want, got, "%d+%d", test.offset, test.size)
		}
	}
}

// Without any credentials the registered identity is asked for them.
func TestIdentity(t *testing.T) {
	defer identity.Store(identity.Swap(nil))
	broken := errors.New("no tenant")
	for _, test := range []struct {
		open func() (azcore.TokenCredential, error)
		want string
	}{
		{nil, "abs/entra"},
		{func() (azcore.TokenCredential, error) { return nil, broken }, "no tenant"},
		{func() (azcore.TokenCredential, error) {
			return tokenFunc(func() (azcore.AccessToken, error) { return azcore.AccessToken{}, nil }), nil
		}, ""},
	} {
		if test.open != nil {
			RegisterIdentity(test.open)
		}
		cfg, err := Config{Bucket: "container", Account: "a"}.load(func(string) string { return "" })
		if test.want == "" {
			require.NoError(t, err)
			assert.NotNil(t, cfg.Credential)
			continue
		}
		require.ErrorIs(t, err, fs.ErrInvalid)
		assert.ErrorContains(t, err, test.want)
	}
}

// A write that fails leaves no blocks, and nothing of a blob that is there.
func TestFailedWrite(t *testing.T) {
	b := newBench(t, absfake.Options{}, nil)
	disk := errors.New("disk")
	fail := func() error {
		_, err := b.WriteLTXFile(t.Context(), 0, 1, 1, io.MultiReader(bytes.NewReader(plain(3*testPart)), iotest.ErrReader(disk)))
		return err
	}
	require.ErrorIs(t, fail(), disk)
	assert.Empty(t, b.server.Uncommitted("container"))
	assert.Empty(t, b.server.Keys("container"))
	require.NoError(t, b.write(t, plain(10)))
	require.ErrorIs(t, fail(), disk)
	got, err := b.read(t, 0, 0)
	require.NoError(t, err)
	assert.Equal(t, string(plain(10)), got)
}

// Blocks that are gone although nobody has replaced the file since they were sent.
func TestBlocksLost(t *testing.T) {
	var late atomic.Int64
	b := newBench(t, absfake.Options{Clock: func() time.Time { return time.Unix(1e9+late.Load(), 0) }}, nil)
	require.NoError(t, b.write(t, plain(10)))
	late.Store(1)
	b.faults.Add(&httpfault.Rule{Match: httpfault.Match{Operation: "PutBlockList"}, Times: 1,
		Do: httpfault.Status(400, http.Header{"X-Ms-Version": {"1"}, "X-Ms-Error-Code": {"InvalidBlockList"}}, "")})
	require.ErrorIs(t, b.write(t, plain(2*testPart)), ltxstore.ErrUnavailable)
	got, err := b.read(t, 0, 0)
	require.NoError(t, err)
	assert.Equal(t, string(plain(10)), got)
}

// Blocks that another write has discarded.
func TestReplacedMeanwhile(t *testing.T) {
	for name, test := range map[string]struct {
		other []byte // that replaces the file before the blocks are committed
		want  error
	}{
		"by a file":           {plain(20), nil},
		"by an aborted write": {[]byte{}, ltxstore.ErrUnavailable},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, absfake.Options{}, func(cfg *Config) { cfg.Transfer.Concurrency = 1 })
			require.NoError(t, b.write(t, plain(10)))
			key := "db/ltx/0/0000000000000001-0000000000000001.ltx"
			body := io.MultiReader(bytes.NewReader(plain(2*testPart)), readerFunc(func() { b.server.Put("container", key, test.other) }), strings.NewReader("end"))
			_, err := b.WriteLTXFile(t.Context(), 0, 1, 1, body)
			if test.want == nil {
				assert.NoError(t, err)
			} else {
				assert.ErrorIs(t, err, test.want)
			}
			blob, _ := b.server.Get("container", key)
			assert.True(t, bytes.Equal(test.other, blob.Body))
		})
	}
}

// readerFunc is called once, and yields nothing.
type readerFunc func()

func (f readerFunc) Read([]byte) (int, error) {
	f()
	return 0, io.EOF
}

// The error table. An answer without the service's headers is a proxy's.
func TestKinds(t *testing.T) {
	for _, test := range []struct {
		status int
		code   string
		want   error
	}{
		{404, "BlobNotFound", fs.ErrNotExist},
		{404, "ContainerNotFound", ltxstore.ErrStoreNotFound},
		{409, "ContainerBeingDeleted", ltxstore.ErrStoreNotFound},
		{403, "AuthenticationFailed", fs.ErrPermission},
		{403, "AuthorizationPermissionMismatch", fs.ErrPermission},
		{412, "LeaseIdMissing", fs.ErrPermission},
		{409, "BlobArchived", errors.ErrUnsupported},
		{400, "Md5Mismatch", ltxstore.ErrChecksum},
		{503, "ServerBusy", ltxstore.ErrThrottled},
		{500, "InternalError", ltxstore.ErrUnavailable},
		{500, "OperationTimedOut", ltxstore.ErrUnavailable},
		{429, "", ltxstore.ErrThrottled},
		{404, "", ltxstore.ErrUnavailable},
		{502, "", ltxstore.ErrUnavailable},
		{401, "", fs.ErrPermission},
		{405, "", errors.ErrUnsupported},
		{200, "", ltxstore.ErrUnavailable},
	} {
		b := newBench(t, absfake.Options{}, nil)
		header := http.Header{}
		if test.code != "" {
			header = http.Header{"X-Ms-Version": {"1"}, "X-Ms-Error-Code": {test.code}}
		}
		b.faults.Add(&httpfault.Rule{Do: httpfault.Status(test.status, header, "<html>a page</html>"), Times: -1})
		_, err := b.read(t, 0, 0)
		assert.ErrorIs(t, err, test.want, "%d %q", test.status, test.code)
		assert.ErrorContains(t, err, `container "container" at `+b.url)
		if test.status >= 400 {
			err = b.list(t, 0)
			assert.ErrorIs(t, err, test.want, "list: %d %q", test.status, test.code)
		}
	}
}

// A blob with snapshots is not deleted, and the error says what to do.
func TestSnapshots(t *testing.T) {
	b := newBench(t, absfake.Options{}, nil)
	require.NoError(t, b.write(t, plain(10)))
	refused := httpfault.Status(409, http.Header{"X-Ms-Version": {"1"}, "X-Ms-Error-Code": {"SnapshotsPresent"}}, "")
	b.faults.Add(&httpfault.Rule{Match: httpfault.Match{Operation: "BlobBatch"}, Times: -1, Do: httpfault.Status(202, http.Header{"X-Ms-Version": {"1"}, "Content-Type": {"multipart/mixed; boundary=b"}},
		"--b\r\nContent-ID: 0\r\nContent-Type: application/http\r\n\r\nHTTP/1.1 409 X\r\nx-ms-request-id: 1\r\nx-ms-error-code: SnapshotsPresent\r\nContent-Length: 0\r\n\r\n--b--\r\n")})
	b.faults.Add(&httpfault.Rule{Match: httpfault.Match{Operation: "DeleteBlob"}, Times: -1, Do: refused})
	err := b.DeleteLTXFiles(t.Context(), []*ltx.FileInfo{{MinTXID: 1, MaxTXID: 1}})
	require.ErrorContains(t, err, "delete the blob's snapshots first")
	assert.False(t, ltxstore.IsRetryable(err))
	require.ErrorContains(t, b.DeleteAll(t.Context()), "delete the blob's snapshots first")
	// Without batches.
	b.faults.Clear()
	b.faults.Add(&httpfault.Rule{Match: httpfault.Match{Operation: "BlobBatch"}, Times: -1, Do: httpfault.Status(501, http.Header{"X-Ms-Version": {"1"}}, "")})
	b.faults.Add(&httpfault.Rule{Match: httpfault.Match{Operation: "DeleteBlob"}, Times: -1, Do: refused})
	require.ErrorContains(t, b.DeleteAll(t.Context()), "delete the blob's snapshots first")
}

// An answer of another container, or of another prefix, is not one.
func TestForeignListing(t *testing.T) {
	uploads := newBucketBench(t)
	uploads.faults.Add(&httpfault.Rule{Do: httpfault.Status(200, http.Header{"X-Ms-Version": {"1"}, "Content-Type": {"application/xml"}}, `<EnumerationResults ContainerName="other"><NextMarker/></EnumerationResults>`), Times: -1})
	_, _, err := uploads.ListUploads(t.Context(), "", "")
	require.ErrorIs(t, err, ltxstore.ErrUnavailable)
	for _, body := range []string{
		`<EnumerationResults ContainerName="other"><Prefix>db/ltx/0/</Prefix><NextMarker/></EnumerationResults>`,
		`<EnumerationResults ContainerName="container"><Prefix>x/</Prefix><NextMarker/></EnumerationResults>`,
		`<EnumerationResults ContainerName="container"><NextMarker/></EnumerationResults>`,
		`<EnumerationResults ContainerName="container"><Prefix>db/ltx/0/</Prefix><Blobs><Blob><Name>x</Name><Properties/></Blob></Blobs><NextMarker/></EnumerationResults>`,
		`<html/>`,
	} {
		b := newBench(t, absfake.Options{}, nil)
		b.faults.Add(&httpfault.Rule{Do: httpfault.Status(200, http.Header{"X-Ms-Version": {"1"}, "Content-Type": {"application/xml"}}, body), Times: -1})
		err := b.list(t, 0)
		assert.ErrorIs(t, err, ltxstore.ErrUnavailable, body)
	}
}

// A listing that has lost the marker of its next page is not at its end.
func TestListingWithoutMarker(t *testing.T) {
	for next, ends := range map[string]bool{"<NextMarker/>": true, "<NextMarker></NextMarker>": true, "": false} {
		header := http.Header{"X-Ms-Version": {"1"}, "Content-Type": {"application/xml"}}
		of := func(prefix string) httpfault.Effect {
			return httpfault.Status(200, header, `<EnumerationResults ContainerName="container"><Prefix>`+prefix+`</Prefix><Blobs></Blobs>`+next+`</EnumerationResults>`)
		}
		b := newBench(t, absfake.Options{}, nil)
		b.faults.Add(&httpfault.Rule{Do: of("db/ltx/0/"), Times: -1})
		uploads := newBucketBench(t)
		uploads.faults.Add(&httpfault.Rule{Do: of("db/")})
		err := b.list(t, 0)
		_, _, uploadsErr := uploads.ListUploads(t.Context(), "db/", "")
		if ends {
			assert.NoError(t, err, next)
			assert.NoError(t, uploadsErr, next)
		} else {
			assert.ErrorIs(t, err, ltxstore.ErrUnavailable)
			assert.ErrorIs(t, uploadsErr, ltxstore.ErrUnavailable)
		}
	}
}

// The SDK takes a 304 for a success, and has no body then.
func TestNotModified(t *testing.T) {
	b := newBench(t, absfake.Options{}, nil)
	require.NoError(t, b.write(t, plain(300)))
	b.faults.Add(&httpfault.Rule{Do: httpfault.Status(304, http.Header{"X-Ms-Version": {"1"}}, ""), Times: -1})
	_, err := b.read(t, 0, 0)
	require.ErrorIs(t, err, ltxstore.ErrUnavailable)
	assert.ErrorContains(t, err, "304 Not Modified")
	b.faults.Clear()
	b.faults.Add(&httpfault.Rule{Match: httpfault.Match{Operation: "GetBlob"}, Do: httpfault.Chunked()})
	got, err := b.read(t, 0, 0)
	require.NoError(t, err)
	assert.Equal(t, string(plain(300)), got)
}

// No answer is read further than one of the service's can be.
func TestLongAnswer(t *testing.T) {
	b := newBench(t, absfake.Options{}, nil)
	long := strings.Repeat("x", (256<<10)+1)
	b.faults.Add(&httpfault.Rule{Do: httpfault.Status(404, http.Header{"X-Ms-Version": {"1"}}, long), Times: -1})
	_, err := b.read(t, 0, 0)
	assert.Error(t, err)
	assert.Less(t, len(err.Error()), 2000)
}

// answer is a transport that answers everything with a long body.
type answer struct{ io.Reader }

func (a answer) RoundTrip(*http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: 200, Header: http.Header{"X-Ms-Version": {"1"}}, Body: io.NopCloser(a.Reader)}, nil
}

// A blob may be longer than any document.
func TestLongBlob(t *testing.T) {
	for query, whole := range map[string]bool{"": true, "?comp=list": false} {
		client := service().Client(answer{io.LimitReader(zeros{}, maxDocument+1)})
		resp, err := client.Transport.RoundTrip(httptest.NewRequest(http.MethodGet, "http://h/container/x"+query, nil))
		require.NoError(t, err)
		_, err = io.Copy(io.Discard, resp.Body)
		assert.Equal(t, whole, err == nil, "%q: %v", query, err)
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { return len(p), nil }

// DeleteAll reports blocks that it cannot discard.
func TestBlocksThatStay(t *testing.T) {
	b := newBench(t, absfake.Options{}, nil)
	b.server.Stage("container", "db/ltx/0/0000000000000001-0000000000000001.ltx", "AAAA", []byte("block"))
	b.faults.Add(&httpfault.Rule{Match: httpfault.Match{Operation: "PutBlockList"}, Times: -1,
		Do: httpfault.Status(403, http.Header{"X-Ms-Version": {"1"}, "X-Ms-Error-Code": {"AuthorizationPermissionMismatch"}}, "")})
	assert.ErrorIs(t, b.DeleteAll(t.Context()), fs.ErrPermission)
	b.faults.Clear()
	assert.NoError(t, b.DeleteAll(t.Context()))
	assert.Empty(t, b.server.Uncommitted("container"))
}

// No error shows a secret, not even one that the server repeats.
func TestSecrets(t *testing.T) {
	const sig = "c2lnbmF0dXJlLW9mLXRoZS10ZXN0"
	sas := "sv=2026-02-06&sp=r&sig=" + sig
	var authorization string
	repeats := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		authorization = r.Header.Get("Authorization")
		w.Header().Set("X-Ms-Version", "1")
		w.Header().Set("X-Ms-Error-Code", "AuthenticationFailed")
		w.WriteHeader(http.StatusForbidden)
		fmt.Fprintf(w, "<Error><Code>AuthenticationFailed</Code><Message>you sent %s %s</Message></Error>", r.Header.Get("Authorization"), strings.ReplaceAll(r.URL.RawQuery, "&", "&amp;"))
	}))
	defer repeats.Close()
	for _, cfg := range []Config{{SASToken: sas}, {SASToken: "?" + sas}, {Account: "account", AccountKey: testKey}, {ConnectionString: "AccountName=account;AccountKey=" + testKey + ";BlobEndpoint=" + repeats.URL}} {
		cfg.Bucket = "container"
		if cfg.ConnectionString == "" {
			cfg.Endpoint = repeats.URL
		}
		cfg.Retry.MaxAttempts = 1
		var log bytes.Buffer
		cfg.Logger = slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
		c := NewReplicaClient(cfg)
		_, err := c.OpenLTXFile(t.Context(), 0, 1, 1, 0, 0)
		require.ErrorIs(t, err, fs.ErrPermission)
		for _, shown := range []string{err.Error(), log.String(), fmt.Sprintf("%v %+v %#v %d", cfg, c, cfg, cfg)} {
			assert.NotContains(t, shown, sig)
			assert.NotContains(t, shown, testKey)
			if _, signature, signed := strings.Cut(authorization, ":"); signed {
				assert.NotContains(t, shown, signature)
			}
		}
	}
}

// tokenFunc is a source of tokens.
type tokenFunc func() (azcore.AccessToken, error)

func (f tokenFunc) GetToken(context.Context, policy.TokenRequestOptions) (azcore.AccessToken, error) {
	return f()
}

func TestCredential(t *testing.T) {
	var authorization string
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		authorization = r.Header.Get("Authorization")
		w.Header().Set("X-Ms-Version", "1")
		w.Header().Set("X-Ms-Error-Code", "BlobNotFound")
		w.WriteHeader(http.StatusNotFound)
	}))
	defer server.Close()
	open := func(f tokenFunc) error {
		c := NewReplicaClient(Config{Bucket: "container", Endpoint: server.URL, Credential: f, HTTP: transport.Options{InsecureSkipVerify: true}, Retry: ltxstore.Retry{MaxAttempts: 1}, Logger: slog.New(slog.DiscardHandler)})
		_, err := c.OpenLTXFile(t.Context(), 0, 1, 1, 0, 0)
		return err
	}
	assert.ErrorIs(t, open(func() (azcore.AccessToken, error) {
		return azcore.AccessToken{Token: "token", ExpiresOn: time.Now().Add(time.Hour)}, nil
	}), fs.ErrNotExist)
	assert.Equal(t, "Bearer token", authorization)
	err := open(func() (azcore.AccessToken, error) { return azcore.AccessToken{}, errors.New("no tenant") })
	assert.ErrorIs(t, err, fs.ErrPermission)
	assert.ErrorContains(t, err, "no tenant")
	assert.ErrorIs(t, open(func() (azcore.AccessToken, error) { return azcore.AccessToken{}, io.ErrUnexpectedEOF }), ltxstore.ErrUnavailable)
}

// Where the place and the credentials come from.
func TestLoad(t *testing.T) {
	key2 := base64.StdEncoding.EncodeToString([]byte("another"))
	sas := "sv=1&sig=x"
	for name, test := range map[string]struct {
		cfg  Config
		env  map[string]string
		want Config
	}{
		"account":                     {Config{Account: "a", AccountKey: testKey}, nil, Config{Account: "a", AccountKey: testKey, Endpoint: "https://a.blob.core.windows.net"}},
		"endpoint":                    {Config{Account: "a", AccountKey: testKey, Endpoint: "http://h:1/a/"}, nil, Config{Account: "a", AccountKey: testKey, Endpoint: "http://h:1/a"}},
		"litestream":                  {Config{Account: "a"}, map[string]string{"LITESTREAM_AZURE_ACCOUNT_KEY": testKey, "AZURE_STORAGE_KEY": key2}, Config{Account: "a", AccountKey: testKey, Endpoint: "https://a.blob.core.windows.net"}},
		"azure":                       {Config{}, map[string]string{"AZURE_STORAGE_ACCOUNT": "b", "AZURE_STORAGE_KEY": key2}, Config{Account: "b", AccountKey: key2, Endpoint: "https://b.blob.core.windows.net"}},
		"signature":                   {Config{Account: "a"}, map[string]string{"LITESTREAM_AZURE_SAS_TOKEN": "?" + sas}, Config{Account: "a", SASToken: sas, Endpoint: "https://a.blob.core.windows.net"}},
		"endpoint says all":           {Config{Endpoint: "http://h/b"}, map[string]string{"AZURE_STORAGE_ACCOUNT": "b", "AZURE_STORAGE_SAS_TOKEN": sas}, Config{SASToken: sas, Endpoint: "http://h/b"}},
		"azure's sas":                 {Config{Account: "a"}, map[string]string{"AZURE_STORAGE_SAS_TOKEN": sas}, Config{Account: "a", SASToken: sas, Endpoint: "https://a.blob.core.windows.net"}},
		"given wins":                  {Config{Account: "a", SASToken: sas}, map[string]string{"LITESTREAM_AZURE_ACCOUNT_KEY": testKey}, Config{Account: "a", SASToken: sas, Endpoint: "https://a.blob.core.windows.net"}},
		"connection":                  {Config{}, map[string]string{"AZURE_STORAGE_CONNECTION_STRING": "DefaultEndpointsProtocol=https;AccountName=a;AccountKey=" + testKey + ";EndpointSuffix=core.example"}, Config{Account: "a", AccountKey: testKey, Endpoint: "https://a.blob.core.example"}},
		"account and endpoint":        {Config{Account: "a", Endpoint: "http://h/a"}, map[string]string{"AZURE_STORAGE_ACCOUNT": "b", "AZURE_STORAGE_SAS_TOKEN": sas}, Config{Account: "a", SASToken: sas, Endpoint: "http://h/a"}},
		"endpoint and key":            {Config{AccountKey: testKey, Endpoint: "http://h/b"}, map[string]string{"AZURE_STORAGE_ACCOUNT": "b"}, Config{Account: "b", AccountKey: testKey, Endpoint: "http://h/b"}},
		"sas and the account":         {Config{SASToken: sas}, map[string]string{"AZURE_STORAGE_ACCOUNT": "b"}, Config{Account: "b", SASToken: sas, Endpoint: "https://b.blob.core.windows.net"}},
		"connection and its endpoint": {Config{ConnectionString: "AccountName=a;AccountKey=" + testKey + ";EndpointSuffix=core.example;BlobEndpoint=https://h"}, nil, Config{Account: "a", AccountKey: testKey, Endpoint: "https://h"}},
		"connection alone":            {Config{ConnectionString: "AccountName=a;AccountKey=" + testKey}, nil, Config{Account: "a", AccountKey: testKey, Endpoint: "https://a.blob.core.windows.net"}},
		"connection without suffix":   {Config{ConnectionString: "DefaultEndpointsProtocol=http;AccountName=a;AccountKey=" + testKey}, nil, Config{Account: "a", AccountKey: testKey, Endpoint: "http://a.blob.core.windows.net"}},
		"connection, odd":             {Config{ConnectionString: " ;; AccountKey = " + testKey + " ;endpointSuffix=core.example; ACCOUNTNAME=a;\n"}, nil, Config{Account: "a", AccountKey: testKey, Endpoint: "https://a.blob.core.example"}},
		"connection, secondary":       {Config{ConnectionString: "BlobEndpoint=https://a-secondary.blob.core.windows.net;AccountName=a;AccountKey=" + testKey}, nil, Config{Account: "a", AccountKey: testKey, Endpoint: "https://a-secondary.blob.core.windows.net"}},
		"its sas":                     {Config{ConnectionString: "BlobEndpoint=https://h/;SharedAccessSignature=" + sas}, nil, Config{SASToken: sas, Endpoint: "https://h"}},
	} {
		test.cfg.Bucket, test.want.Bucket = "container", "container"
		test.want.Transfer = object.Options{}.WithDefaults(object.Options{PageSize: 5000})
		test.want.HTTP = transport.Options{}.WithDefaults(test.want.Transfer.Requests())
		got, err := test.cfg.load(func(name string) string { return test.env[name] })
		require.NoError(t, err, name)
		assert.Equal(t, test.want, got, name)
	}
}

// What cannot be right is refused at Init, by the field's name.
func TestRefusals(t *testing.T) {
	for _, name := range []string{"LITESTREAM_AZURE_ACCOUNT_KEY", "AZURE_STORAGE_KEY", "LITESTREAM_AZURE_SAS_TOKEN", "AZURE_STORAGE_SAS_TOKEN", "AZURE_STORAGE_ACCOUNT", "AZURE_STORAGE_CONNECTION_STRING"} {
		t.Setenv(name, "")
	}
	secret := "c2VjcmV0LW9mLXRoZS10ZXN0"
	for field, changes := range map[string][]func(*Config){
		"Bucket": {func(c *Config) { c.Bucket = "" }, func(c *Config) { c.Bucket = "a/b" }, func(c *Config) { c.Bucket = "Upper" }, func(c *Config) { c.Bucket = "$root" }, func(c *Config) { c.Bucket = "a--b" }, func(c *Config) { c.Bucket = "ab" }, func(c *Config) { c.Bucket = strings.Repeat("a", 64) }},
		"Path":   {func(c *Config) { c.Path = "../x" }, func(c *Config) { c.Path = `a\b` }},
		"Account": {func(c *Config) { c.Account = "a.b" }, func(c *Config) { c.Account = "" }, func(c *Config) { c.Account, c.Endpoint = "", "http://h" }, func(c *Config) { c.Account, c.AccountKey, c.SASToken = "", "", "sig=x" },
			func(c *Config) {
				c.Account, c.AccountKey, c.ConnectionString = "", "", "SharedAccessSignature=sig=x;EndpointSuffix=core.example"
			}},
		"Endpoint":           {func(c *Config) { c.Endpoint = "h" }, func(c *Config) { c.Endpoint = "https://h?" + secret }, func(c *Config) { c.CustomerKey, c.Endpoint = make([]byte, 32), "http://h" }, func(c *Config) { c.AccountKey, c.Credential, c.Endpoint = "", tokenFunc(nil), "http://h" }},
		"AccountKey":         {func(c *Config) { c.AccountKey = "&" + secret }, func(c *Config) { c.AccountKey = "abcde" }, func(c *Config) { c.AccountKey = "" }},
		"SASToken":           {func(c *Config) { c.SASToken = "sv=1&sig=" + secret }, func(c *Config) { c.AccountKey, c.SASToken = "", secret }, func(c *Config) { c.AccountKey, c.SASToken = "", "sv=1&sig="+secret+"\n" }},
		"ConnectionString":   {func(c *Config) { c.AccountKey, c.Account, c.ConnectionString = "", "", secret }, func(c *Config) { c.AccountKey, c.Account, c.ConnectionString = "", "", "AccountName="+secret }, func(c *Config) { c.AccountKey, c.ConnectionString = "", "AccountName=a;AccountKey="+secret }},
		"Credential":         {func(c *Config) { c.Credential = tokenFunc(nil) }},
		"CABundle":           {func(c *Config) { c.HTTP.CABundle = "/nowhere" }, func(c *Config) { c.HTTP.CABundle, c.HTTP.RoundTripper = "x", http.DefaultTransport }},
		"InsecureSkipVerify": {func(c *Config) { c.HTTP.CABundle, c.HTTP.InsecureSkipVerify = "x", true }},
		"PartSize":           {func(c *Config) { c.Transfer.PartSize = 1<<30 + 1 }},
		"PageSize":           {func(c *Config) { c.Transfer.PageSize = 5001 }},
		"Concurrency":        {func(c *Config) { c.Transfer.Concurrency = -1 }},
		"AccessTier":         {func(c *Config) { c.AccessTier = "Archive" }},
		"EncryptionScope":    {func(c *Config) { c.EncryptionScope = "a b" }, func(c *Config) { c.EncryptionScope, c.CustomerKey = "scope", make([]byte, 32) }},
		"CustomerKey":        {func(c *Config) { c.CustomerKey = []byte(secret) }},
		"CustomerKeyFile":    {func(c *Config) { c.CustomerKeyFile = "/nowhere" }},
	} {
		for i, change := range changes {
			cfg := Config{Bucket: "container", Account: "account", AccountKey: testKey}
			change(&cfg)
			err := NewReplicaClient(cfg).Init(t.Context())
			require.ErrorIs(t, err, fs.ErrInvalid, "%s %d", field, i)
			assert.ErrorContains(t, err, field, i)
			assert.NotContains(t, err.Error(), secret, "%s %d", field, i)
		}
	}
}

func TestURL(t *testing.T) {
	for url, want := range map[string]string{
		"abs://acc@cont/a/b?account-key=" + testKey:                             `Bucket:"cont" Path:"a/b" Layout:default Account:"acc" AccountKey:[redacted]`,
		"abs://cont?account-name=acc&endpoint=http://h:1/acc&sas-token=sig%3Dx": `Bucket:"cont" Layout:default Account:"acc" Endpoint:"http://h:1/acc" SASToken:[redacted]`,
	} {
		c, err := ltxstore.Open(t.Context(), url)
		if assert.NoError(t, err, url) {
			assert.Contains(t, fmt.Sprint(c), want)
		}
	}
	for url, want := range map[string]string{"abs://a:b@c/d": "account-key", "abs:///p": "names no container", "abs://a@cont/p?oops=1": "oops"} {
		_, err := ltxstore.Open(t.Context(), url)
		assert.ErrorContains(t, err, want, url)
	}
}

// An answer to a batch that is not of its deletions is an error, and deletes
// nothing in name.
func TestStrangeBatches(t *testing.T) {
	part := func(id string, status int) string {
		if id != "" {
			id = "Content-ID: " + id + "\r\n"
		}
		return fmt.Sprintf("--b\r\n%sContent-Type: application/http\r\n\r\nHTTP/1.1 %d X\r\nContent-Length: 0\r\n\r\n", id, status)
	}
	for name, body := range map[string]string{
		"of another": part("999", 202) + part("0", 202),
		"negative":   part("-1", 202) + part("0", 202),
		"no number":  part("x", 202) + part("0", 202),
		"no ID":      part("0", 202) + part("", 404),
		"long":       part("", 500) + strings.Repeat("x", 100_000),
		"too few":    part("0", 202),
		"none":       "",
		"no answer":  "--b\r\nContent-ID: 0\r\n\r\n<html>\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, absfake.Options{}, nil)
			header := http.Header{"X-Ms-Version": {"2026-02-06"}, "Content-Type": {"multipart/mixed; boundary=b"}}
			b.faults.Add(&httpfault.Rule{Match: httpfault.Match{Operation: "BlobBatch"}, Do: httpfault.Status(202, header, body+"--b--\r\n"), Times: -1})
			err := b.DeleteLTXFiles(t.Context(), []*ltx.FileInfo{{MinTXID: 1, MaxTXID: 1}, {MinTXID: 2, MaxTXID: 2}})
			require.ErrorIs(t, err, ltxstore.ErrUnavailable)
			assert.Less(t, len(err.Error()), 5000)
		})
	}
}
