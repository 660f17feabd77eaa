package oss

import (
	"log/slog"
	"net/http/httptest"
	"testing"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/backend/object"
	"github.com/ltxstore/ltxstore/internal/testkit/oddpath"
	"github.com/ltxstore/ltxstore/internal/testkit/ossfake"
)

func TestOddPaths(t *testing.T) {
	server := httptest.NewServer(ossfake.New(ossfake.Options{ID: "id", Secret: testSecret, Region: "cn-test"}, "bucket"))
	defer server.Close()
	oddpath.Check(t, 3*testPart, func(path string) ltxstore.ReplicaClient {
		return NewReplicaClient(Config{Bucket: "bucket", Path: path, Region: "cn-test", Endpoint: server.URL, AccessKeyID: "id", SecretAccessKey: testSecret,
			Transfer: object.Options{PartSize: testPart}, Logger: slog.New(slog.DiscardHandler)})
	})
}
