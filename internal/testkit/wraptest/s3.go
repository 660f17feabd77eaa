package wraptest

import (
	"log/slog"
	"net/http"
	"time"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/backend/transport"
	"github.com/ltxstore/ltxstore/internal/testkit/fakestore"
	"github.com/ltxstore/ltxstore/internal/testkit/httpfault"
	"github.com/ltxstore/ltxstore/internal/testkit/s3fake"
	"github.com/ltxstore/ltxstore/internal/testkit/s3store"
	"github.com/ltxstore/ltxstore/s3"
	"github.com/ltxstore/ltxstore/testing/replicatest"
)

// s3Store makes each request up to attempts times.
func s3Store(attempts int) (replicatest.Store, error) {
	const bucket, keyID = "bucket", "AKIDFAKE"
	s3fake.Isolate()
	fake := s3fake.New(s3fake.Options{AccessKeyID: keyID, SecretAccessKey: secret, PageSize: pageSize}, bucket)
	faults := httpfault.New(fake)
	faults.Name(s3fake.Operation)
	server, _, err := fakestore.Listen(faults, false)
	wire := &http.Transport{}
	cfg := s3.Config{Bucket: bucket, Path: replicaPath, Region: "us-east-1", Endpoint: server.URL,
		AccessKeyID: keyID, SecretAccessKey: secret, HTTP: transport.Options{RoundTripper: wire},
		Retry:  ltxstore.Retry{MaxAttempts: attempts, BaseDelay: time.Millisecond, MaxDelay: 5 * time.Millisecond},
		Logger: slog.New(slog.DiscardHandler)}
	return s3store.New(cfg, fake, faults, layoutKeys(), func() error {
		wire.CloseIdleConnections()
		return fakestore.Close(faults, server, "")
	}), err
}
