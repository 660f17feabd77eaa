package abs

import (
	"log/slog"
	"testing"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/backend/object"
	"github.com/ltxstore/ltxstore/internal/testkit/absfake"
	"github.com/ltxstore/ltxstore/internal/testkit/oddpath"
)

func TestOddPaths(t *testing.T) {
	b := newBench(t, absfake.Options{}, nil)
	oddpath.Check(t, 3*testPart, func(path string) ltxstore.ReplicaClient {
		return NewReplicaClient(Config{Account: "account", AccountKey: testKey, Bucket: "container", Path: path, Endpoint: b.url,
			Transfer: object.Options{PartSize: testPart}, Logger: slog.New(slog.DiscardHandler)})
	}, "back\\slash")
}
