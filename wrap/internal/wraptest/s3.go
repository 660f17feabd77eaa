package wraptest

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"time"

	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/backend/transport"
	"github.com/ltxstore/ltxstore/internal/testkit/httpfault"
	"github.com/ltxstore/ltxstore/internal/testkit/s3fake"
	"github.com/ltxstore/ltxstore/s3"
	"github.com/ltxstore/ltxstore/testing/replicatest"
)

// s3Store makes each request up to attempts times.
func s3Store(attempts int) (replicatest.Store, error) {
	const bucket, prefix = "bucket", replicaPath + "/"
	server := s3fake.New(s3fake.Options{AccessKeyID: "AKIDFAKE", SecretAccessKey: secret, PageSize: pageSize}, bucket)
	layer := httpfault.New(server)
	layer.Name(s3fake.Operation)
	web := httptest.NewUnstartedServer(layer)
	web.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	web.Start()
	s3fake.Isolate()
	wire := &http.Transport{}
	open := func(change func(*s3.Config)) func() (ltxstore.ReplicaClient, error) {
		return func() (ltxstore.ReplicaClient, error) {
			cfg := s3.Config{Bucket: bucket, Path: replicaPath, Region: "us-east-1", Endpoint: web.URL,
				AccessKeyID: "AKIDFAKE", SecretAccessKey: secret, HTTP: transport.Options{RoundTripper: wire},
				Retry:  ltxstore.Retry{MaxAttempts: attempts, BaseDelay: time.Millisecond, MaxDelay: 5 * time.Millisecond},
				Logger: slog.New(slog.DiscardHandler)}
			change(&cfg)
			return s3.NewReplicaClient(cfg), nil
		}
	}
	always := func(match httpfault.Match, do httpfault.Effect) {
		layer.Add(&httpfault.Rule{Match: match, Times: -1, Do: do})
	}
	get, keys := httpfault.Match{Operation: "GetObject"}, layoutKeys()
	client, err := open(func(*s3.Config) {})()
	return replicatest.Store{
		Client:  client,
		Another: open(func(*s3.Config) {}),
		Once:    open(func(cfg *s3.Config) { cfg.WriteOnce = true }),
		Sibling: func(suffix string) (ltxstore.ReplicaClient, error) {
			return open(func(cfg *s3.Config) { cfg.Path += suffix })()
		},
		Parent:   open(func(cfg *s3.Config) { cfg.Path = "backups" }),
		Missing:  open(func(cfg *s3.Config) { cfg.Bucket = "no-such-bucket" }),
		Requests: layer.Requests,
		Raw: &replicatest.Raw{
			Keys: keys,
			Put: func(_ context.Context, key string, body []byte) error {
				server.Put(bucket, prefix+key, body)
				return nil
			},
			List: func(context.Context) ([]string, error) {
				return append(below(server.Keys(bucket), prefix, ""), below(server.Uploads(bucket), prefix, "upload:")...), nil
			},
			Leave: func(context.Context) error {
				server.AddUpload(bucket, prefix+keys.File(0, 1, 1))
				return nil
			},
			Strip: func(_ context.Context, key string) error {
				if !server.Strip(bucket, prefix+key) {
					return errors.New("no such object")
				}
				return nil
			},
		},
		Faults: &replicatest.Faults{
			Lookups: func() {
				always(get, httpfault.XML(500, "InternalError"))
				always(httpfault.Match{Operation: "HeadObject"}, httpfault.Status(500, nil, ""))
			},
			Lists: func() {
				always(httpfault.Match{Operation: "ListObjectsV2", Query: "continuation-token"}, httpfault.XML(500, "InternalError"))
			},
			Cut:   func(n int64) { always(get, httpfault.Truncate(n)) },
			Stall: func(n int64) { always(get, httpfault.StallAfter(n)) },
			Deletes: func(match func(level int, minTXID, maxTXID ltx.TXID) bool) {
				server.FailDeletes(func(key string) string {
					if level, minTXID, maxTXID, ok := keys.Parse(strings.TrimPrefix(key, prefix)); ok && match(level, minTXID, maxTXID) {
						return "AccessDenied"
					}
					return ""
				})
			},
			Unreachable: func() { always(httpfault.Match{}, httpfault.Refuse()) },
		},
		Close: func() error {
			wire.CloseIdleConnections()
			layer.Clear()
			web.CloseClientConnections()
			web.Close()
			return nil
		},
	}, err
}
