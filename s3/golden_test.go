package s3

import (
	"bytes"
	"cmp"
	"errors"
	"flag"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/backend/object"
	"github.com/ltxstore/ltxstore/backend/transport"
	"github.com/ltxstore/ltxstore/internal/testkit/golden"
	"github.com/ltxstore/ltxstore/internal/testkit/race"
	"github.com/ltxstore/ltxstore/internal/testkit/s3fake"
)

var update = flag.Bool("update", false, "write testdata/golden")

// The size of a part in bytes: most golden requests have small ones, to be
// fast. The SDK sends "Expect: 100-continue" with those of 2 MiB and more.
const (
	goldenPart = 64 << 10
	realPart   = minPartSize
)

// hidden is what changes from run to run.
var hidden = []golden.Hidden{
	{Pattern: regexp.MustCompile(`\d{8}T\d{6}Z`), With: "<date>"},
	{Pattern: regexp.MustCompile(`(Credential=[^/]+)/\d{8}/`), With: "$1/<day>/"},
	{Pattern: regexp.MustCompile(`Signature=[0-9a-f]{64}`), With: "Signature=<signature>"},
	{Pattern: regexp.MustCompile(`(Amz-Sdk-Invocation-Id: ).*`), With: "$1<id>"},
	{Pattern: regexp.MustCompile(`(User-Agent: aws-sdk-go-v2)/.*`), With: "$1/<versions>"},
}

// wire is a service in this process, whatever its host is called, and what it
// is sent.
type wire struct {
	*golden.Transport
	server *s3fake.Server
	cfg    Config
}

// newWire returns the service of an endpoint, which verifies signatures. Every
// page has one name.
func newWire(t *testing.T, cfg Config, opt s3fake.Options) *wire {
	t.Helper()
	if !isDirectoryBucket(cfg.Bucket) { // that has keys of a session
		opt.AccessKeyID, opt.SecretAccessKey, opt.SessionToken = "AKID", "secret", cfg.SessionToken
	}
	opt.PageSize, opt.MinPart, opt.Clock = 1, cfg.minPart(), func() time.Time { return stubTime }
	opt.PlainSSEC = true
	w := &wire{server: s3fake.New(opt, "bucket", "bucket--use1-az4--x-s3"), cfg: cfg}
	w.Transport = &golden.Transport{Handler: w.server, Hide: hidden}
	w.cfg.HTTP.RoundTripper = w.Transport
	w.cfg.Bucket = cmp.Or(w.cfg.Bucket, "bucket")
	w.cfg.Path = "backups/db"
	w.cfg.AccessKeyID, w.cfg.SecretAccessKey = "AKID", "secret"
	w.cfg.Retry = ltxstore.Retry{MaxAttempts: 2, BaseDelay: time.Microsecond, MaxDelay: time.Microsecond}
	w.cfg.Logger = slog.New(slog.DiscardHandler)
	w.cfg.Transfer.Concurrency, w.cfg.Transfer.DeleteConcurrency, w.cfg.Transfer.MetadataConcurrency = 1, 1, 1
	return w
}

func (w *wire) client() *ReplicaClient { return NewReplicaClient(w.cfg) }

// play does everything that sends a request of its own kind.
func (w *wire) play(t *testing.T) {
	t.Helper()
	ctx := t.Context()
	c := w.client()
	write := func(txid ltx.TXID, size int) {
		body := ltxBody(t, size)
		if txid != 1 {
			body = plainBody(size)
		}
		_, err := c.WriteLTXFile(ctx, 0, txid, txid, onlyRead{bytes.NewReader(body)})
		require.NoError(t, err)
	}
	w.Title("write a small file")
	write(1, 300)
	w.Title("write a large file")
	part := int(w.cfg.minPart())
	write(2, part+1)
	w.Title("fail to write a large file")
	_, err := c.WriteLTXFile(ctx, 0, 3, 3, &failAt{b: plainBody(2 * part), at: part + 2, fail: func() error { return errors.New("disk") }})
	require.Error(t, err)

	w.Title("list, page by page")
	w.list(t, c, 0, false)
	w.Title("list from the second file")
	w.list(t, c, 2, false)
	w.Title("list with the headers' times")
	w.list(t, c, 0, true)

	w.Title("read a file, which breaks off")
	w.Answer = func(_ int, req *http.Request, resp *http.Response) {
		if req.Method == http.MethodGet && req.Header.Get("Range") == "" {
			resp.Body = io.NopCloser(io.MultiReader(io.LimitReader(resp.Body, 100), cutBody{}))
		}
	}
	w.read(t, c, 0, 0)
	w.Answer = nil
	w.Title("read a range")
	w.read(t, c, 10, 20)

	w.Title("delete two files")
	require.NoError(t, c.DeleteLTXFiles(ctx, []*ltx.FileInfo{{MinTXID: 1, MaxTXID: 1}, {MinTXID: 2, MaxTXID: 2}}))
	w.server.Put(w.bucket(), "backups/db/ltx/0000/0000000000000004-0000000000000004.ltx", []byte("x"))
	w.server.AddUpload(w.bucket(), "backups/db/ltx/0000/0000000000000005-0000000000000005.ltx")
	w.Title("delete all")
	require.NoError(t, c.DeleteAll(ctx))
}

func (w *wire) bucket() string { return cmp.Or(w.cfg.Bucket, "bucket") }

type cutBody struct{}

func (cutBody) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

func (w *wire) list(t *testing.T, c *ReplicaClient, seek ltx.TXID, useMetadata bool) {
	t.Helper()
	it, err := c.LTXFiles(t.Context(), 0, seek, useMetadata)
	require.NoError(t, err)
	for it.Next() {
	}
	require.NoError(t, it.Close())
}

func (w *wire) read(t *testing.T, c *ReplicaClient, offset, size int64) {
	t.Helper()
	r, err := c.OpenLTXFile(t.Context(), 0, 1, 1, offset, size)
	require.NoError(t, err)
	defer r.Close()
	_, err = io.ReadAll(r)
	require.NoError(t, err)
}

// hosts are an endpoint of every row of the table of providers, by the name of
// its golden file.
var hosts = map[string]struct {
	endpoint, domain string // the domain where the bucket is in the host's name
	opt              s3fake.Options
}{
	"aws":           {"", "s3.eu-central-1.amazonaws.com", s3fake.Options{}},
	"cloudflare-r2": {"https://account.r2.cloudflarestorage.com", "", s3fake.Options{RefuseChecksums: true, EqualParts: true}},
	"backblaze-b2":  {"https://s3.us-west-004.backblazeb2.com", "", s3fake.Options{RefuseChecksums: true}},
	"digitalocean":  {"https://nyc3.digitaloceanspaces.com", "nyc3.digitaloceanspaces.com", s3fake.Options{RefuseChecksums: true}},
	"tigris":        {"https://fly.storage.tigris.dev", "", s3fake.Options{RefuseDeleteMD5: true}},
	"hetzner":       {"https://fsn1.your-objectstorage.com", "", s3fake.Options{RefuseChecksums: true}},
	"scaleway":      {"https://s3.fr-par.scw.cloud", "", s3fake.Options{RefuseChecksums: true, MaxParts: 1000}},
	"filebase":      {"https://s3.filebase.com", "", s3fake.Options{RefuseChecksums: true}},
	"supabase":      {"https://project.supabase.co/storage/v1/s3", "", s3fake.Options{RefuseChecksums: true}},
	"oracle-oci":    {"https://namespace.compat.objectstorage.eu-frankfurt-1.oraclecloud.com", "", s3fake.Options{RefuseChecksums: true, DeleteNeedsMD5: true}},
	"google":        {"https://storage.googleapis.com", "", s3fake.Options{RefuseChecksums: true, NoBatchDelete: true}},
	"linode":        {"https://eu-central-1.linodeobjects.com", "", s3fake.Options{RefuseChecksums: true}},
	"wasabi":        {"https://s3.eu-central-1.wasabisys.com", "", s3fake.Options{RefuseChecksums: true}},
	"wasabi-us":     {"https://s3.wasabisys.com", "", s3fake.Options{RefuseChecksums: true}},
	"aliyun-oss":    {"https://oss-cn-hangzhou.aliyuncs.com", "oss-cn-hangzhou.aliyuncs.com", s3fake.Options{RefuseChecksums: true}},
	"storj":         {"https://gateway.storjshare.io", "", s3fake.Options{RefuseChecksums: true, Unsorted: true, NoStartAfter: true}},
	"unknown":       {"https://minio.example.com:9000", "", s3fake.Options{RefuseChecksums: true, DeleteNeedsMD5: true}},
}

// TestGoldenProviders freezes what each service is sent.
func TestGoldenProviders(t *testing.T) {
	if race.Enabled {
		t.Skip("one request after another is no matter for the race detector: see the plain run")
	}
	covered := make([]bool, len(providers()))
	for name, host := range hosts {
		endpoint, err := transport.Endpoint(typeName, "Endpoint", host.endpoint)
		require.NoError(t, err)
		covered[rowOf(endpoint)] = true
		t.Run(name, func(t *testing.T) {
			cfg := Config{Endpoint: host.endpoint, leastPart: goldenPart}
			if endpoint == nil {
				cfg.Region, cfg.leastPart = "eu-central-1", realPart
			}
			opt := host.opt
			opt.Domain = host.domain
			w := newWire(t, cfg, opt)
			if endpoint != nil && endpoint.Path != "" { // the server knows no path of its own
				w.Handler = http.StripPrefix(endpoint.Path, w.Handler)
			}
			w.play(t)
			assert.NoError(t, golden.Compare("provider-"+name, w.Text(), *update))
		})
	}
	for i, p := range providers() {
		assert.True(t, covered[i], "row %d, %s, has no golden requests", i, p.name)
	}
}

// rowOf returns which row of the table an endpoint has, nil being AWS.
func rowOf(endpoint *url.URL) int {
	if endpoint == nil {
		endpoint = &url.URL{Host: "s3.amazonaws.com"}
	}
	return slices.IndexFunc(providers(), func(p provider) bool {
		_, ok := p.match(endpoint.Hostname(), endpoint.Path)
		return ok
	})
}

// goldenOption is a setting, and the same without it.
type goldenOption struct{ base, cfg Config }

// goldenOptions are settings that change what is sent, by the name of their
// golden files.
func goldenOptions() map[string]goldenOption {
	const (
		plain  = "http://minio.example.com:9000"
		secure = "https://minio.example.com"
	)
	var (
		key     = bytes.Repeat([]byte("k"), 32)
		aws     = Config{Region: "eu-central-1", leastPart: goldenPart}
		us      = Config{Region: "us-east-1", leastPart: goldenPart}
		unknown = Config{Endpoint: secure, leastPart: goldenPart}
		clear   = Config{Endpoint: plain, leastPart: goldenPart}
		with    = func(cfg Config, change func(*Config)) goldenOption {
			changed := cfg
			change(&changed)
			return goldenOption{cfg, changed}
		}
		checksum = func(cfg Config, name string) goldenOption {
			return with(cfg, func(c *Config) { c.ChecksumAlgorithm = name })
		}
		virtual, path = false, true
	)
	return map[string]goldenOption{
		"write-once":              with(aws, func(c *Config) { c.WriteOnce = true }),
		"sse-s3":                  with(aws, func(c *Config) { c.SSE = "AES256" }),
		"sse-kms":                 with(aws, func(c *Config) { c.KMSKeyID, c.KMSContext = "alias/k", map[string]string{"db": "a"} }),
		"sse-c":                   with(unknown, func(c *Config) { c.SSECustomerKey = key }),
		"storage-class-tags":      with(aws, func(c *Config) { c.StorageClass, c.Tags = "STANDARD_IA", map[string]string{"a": "1", "b": "2 3"} }),
		"session-token":           with(aws, func(c *Config) { c.SessionToken = "token" }),
		"md5-always":              with(unknown, func(c *Config) { c.ContentMD5 = MD5Always }),
		"md5-never":               with(unknown, func(c *Config) { c.ContentMD5 = MD5Never }),
		"checksum-crc32-http":     checksum(clear, "crc32"),
		"checksum-crc32c-http":    checksum(clear, "crc32c"),
		"checksum-crc64nvme-http": checksum(clear, "crc64nvme"),
		"checksum-sha256-http":    checksum(clear, "sha256"),
		"checksum-crc32-https":    checksum(unknown, "crc32"),
		"checksum-crc32c":         checksum(unknown, "crc32c"),
		"checksum-crc64nvme":      checksum(unknown, "crc64nvme"),
		"checksum-sha256":         checksum(unknown, "sha256"),
		"checksum-none-aws":       checksum(aws, "none"),
		"unsigned-payload":        with(clear, func(c *Config) { c.SignPayload, c.ContentMD5 = new(bool), MD5Always }),
		"dual-stack":              with(aws, func(c *Config) { c.DualStack = true }),
		"fips":                    with(us, func(c *Config) { c.FIPS = true }),
		"virtual-host":            with(unknown, func(c *Config) { c.PathStyle = &virtual }),
		"path-style":              with(aws, func(c *Config) { c.PathStyle = &path }),
		"region":                  with(unknown, func(c *Config) { c.Region = "mars-north-1" }),
		"litestream-s3":           with(aws, func(c *Config) { c.Layout = ltxstore.LayoutLitestreamS3 }),
		"access-point":            with(aws, func(c *Config) { c.Bucket = "arn:aws:s3:eu-central-1:123456789012:accesspoint/point" }),
		"directory-bucket":        with(us, func(c *Config) { c.Bucket = "bucket--use1-az4--x-s3" }),
	}
}

// TestGoldenOptions freezes what each option of Config changes, and that it
// changes something.
func TestGoldenOptions(t *testing.T) {
	if race.Enabled {
		t.Skip("one request after another is no matter for the race detector: see the plain run")
	}
	without := make(map[string]string)
	for name, option := range goldenOptions() {
		t.Run(name, func(t *testing.T) {
			base := option.base.Region + option.base.Endpoint
			if _, ok := without[base]; !ok {
				without[base] = playOption(t, option.base)
			}
			text := playOption(t, option.cfg)
			assert.NotEqual(t, without[base], text, "the option does not reach the wire")
			assert.NoError(t, golden.Compare("option-"+name, text, *update))
		})
	}
}

func playOption(t *testing.T, cfg Config) string {
	t.Helper()
	w := newWire(t, cfg, s3fake.Options{})
	w.Handler = anyHost(w.server)
	c := w.client()
	for _, size := range []int{300, int(cfg.minPart()) + 1} {
		w.Title("write %d bytes", size)
		_, err := c.WriteLTXFile(t.Context(), 0, 1, 1, onlyRead{bytes.NewReader(ltxBody(t, size))})
		if cfg.WriteOnce && size > 300 {
			require.Error(t, err, "the name is taken")
			continue
		}
		require.NoError(t, err)
	}
	w.Title("list with the headers' times")
	w.list(t, c, 1, true)
	w.Title("read a range")
	w.read(t, c, 10, 20)
	w.Title("delete")
	require.NoError(t, c.DeleteLTXFiles(t.Context(), []*ltx.FileInfo{{MinTXID: 1, MaxTXID: 1}}))
	return w.Text()
}

// TestEveryFieldIsTested: a field of Config is in golden requests, or a test
// here is about it.
func TestEveryFieldIsTested(t *testing.T) {
	tests := map[string]string{ // of fields that are in none, or in all
		"Bucket": "TestAddressing", "Path": "TestConformance", "Endpoint": "TestGoldenProviders",
		"AccessKeyID": "TestSigning", "SecretAccessKey": "TestConformance", "Profile": "TestCredentials", "RoleARN": "TestAssumedRole", "ExternalID": "TestAssumedRole",
		"InsecureSkipVerify": "TestCABundle", "CABundle": "TestCABundle", "RoundTripper": "TestCABundle", "SSECustomerKeyFile": "TestValidAreAccepted", "SSECustomerOverHTTP": "TestValidAreAccepted",
		"MaxConns": "TestTransportSettings", "MaxIdleConns": "TestTransportSettings", "IdleConnTimeout": "TestTransportSettings",
		"ResponseTimeout": "TestTransportSettings", "IdleTimeout": "TestReadIdleTimeout",
		"PartSize": "TestStreamMemory", "UploadThreshold": "TestThresholdAbovePartSize", "Concurrency": "TestStreamMemory",
		"MetadataConcurrency": "TestListMetadataConcurrency", "ReadConcurrency": "TestParallelReadBounds", "ReadMemory": "TestParallelReadBounds", "DeleteConcurrency": "TestDeleteConcurrency",
		"Retry": "TestRetryAttempts", "Logger": "TestNoSecretIsShown",
	}
	frozen := make(map[string]bool)
	for _, option := range goldenOptions() {
		value := reflect.ValueOf(option.cfg)
		for i := range value.NumField() {
			if value.Type().Field(i).IsExported() && !reflect.DeepEqual(value.Field(i).Interface(), reflect.ValueOf(option.base).Field(i).Interface()) {
				frozen[value.Type().Field(i).Name] = true
			}
		}
	}
	var source strings.Builder
	names, err := filepath.Glob("*_test.go")
	require.NoError(t, err)
	for _, name := range names {
		text, err := os.ReadFile(name)
		require.NoError(t, err)
		source.Write(text)
	}
	var fields []reflect.StructField
	for _, typ := range []reflect.Type{reflect.TypeFor[Config](), reflect.TypeFor[transport.Options](), reflect.TypeFor[object.Options]()} {
		fields = append(fields, reflect.VisibleFields(typ)...)
	}
	for _, field := range fields {
		switch {
		case !field.IsExported(), field.Name == "HTTP", field.Name == "Transfer": // their fields come below
			continue
		case field.Name == "Dial", field.Name == "PageSize": // package transport's tests have the one, this backend refuses the other
			continue
		}
		if test, ok := tests[field.Name]; ok {
			assert.True(t, strings.Contains(source.String(), "func "+test+"(t *testing.T)"), "Config.%s: there is no %s", field.Name, test)
			delete(tests, field.Name)
		} else {
			assert.True(t, frozen[field.Name], "no test is about Config.%s: add a golden option", field.Name)
		}
	}
	assert.Empty(t, tests, "no such field")
}

// anyHost serves buckets whose name is in the host's name, whatever that is.
func anyHost(server http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		first, _, _ := strings.Cut(r.Host, ".")
		if session := r.URL.Query().Has("session"); session {
			w.Header().Set("Content-Type", "application/xml")
			_, _ = io.WriteString(w, `<CreateSessionResult><Credentials><AccessKeyId>EXPRESS</AccessKeyId><SecretAccessKey>s</SecretAccessKey>`+
				`<SessionToken>t</SessionToken><Expiration>2099-01-01T00:00:00Z</Expiration></Credentials></CreateSessionResult>`)
			return
		}
		if !strings.HasPrefix(r.URL.Path, "/bucket/") && r.URL.Path != "/bucket" {
			if !strings.HasPrefix(first, "bucket") {
				first = "bucket"
			}
			r.URL.Path = "/" + first + r.URL.Path
			r.URL.RawPath = ""
		}
		server.ServeHTTP(w, r)
	})
}

// The region is asked for once, by a HEAD of the bucket, where neither the
// table nor the host tells it.
func TestGoldenRegion(t *testing.T) {
	var text strings.Builder
	for _, endpoint := range []string{"", "https://s3.example.com", "https://s3.fr-par.scw.cloud"} {
		w := newWire(t, Config{Endpoint: endpoint}, s3fake.Options{})
		w.Handler = http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) { rw.Header().Set("X-Amz-Bucket-Region", "eu-west-3") })
		w.Title("begin with the endpoint %q", endpoint)
		c := w.client()
		require.NoError(t, c.Init(t.Context()))
		require.NoError(t, c.Init(t.Context()))
		text.WriteString(w.Text())
	}
	assert.NoError(t, golden.Compare("region", text.String(), *update))
}
