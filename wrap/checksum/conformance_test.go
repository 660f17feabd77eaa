package checksum_test

import (
	"testing"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/internal/testkit/wraptest"
	"github.com/ltxstore/ltxstore/wrap/checksum"
)

func with(cfg checksum.Config) func(ltxstore.ReplicaClient) ltxstore.ReplicaClient {
	return func(next ltxstore.ReplicaClient) ltxstore.ReplicaClient { return checksum.New(next, cfg) }
}

// changes: the case writes a damaged file over another one. TestWriteOnce has what
// it is about.
var changes = map[string]string{"once/refuses-other-bytes": "a damaged body is ErrChecksum before the name is fs.ErrExist"}

// TestConformance lets the suite's other bodies pass.
func TestConformance(t *testing.T) {
	wraptest.Run(t, wraptest.Suite{Wrap: with(checksum.Config{OtherBodies: true}), Changes: changes})
}

// TestConformanceReadBack is about writes.
func TestConformanceReadBack(t *testing.T) {
	wraptest.Run(t, wraptest.Suite{Wrap: with(checksum.Config{OtherBodies: true, ReadBack: true}), Changes: changes,
		Only: []string{"write/exact", "write/sizes", "write/c", "write/invisible", "rewrite/re", "once/", "all/t"}})
}

func BenchmarkChecksum(b *testing.B) { wraptest.Bench(b, with(checksum.Config{})) }
func BenchmarkReadBack(b *testing.B) { wraptest.Bench(b, with(checksum.Config{ReadBack: true})) }
