package s3

import (
	"os"
	"testing"

	"github.com/ltxstore/ltxstore/internal/testkit/race"
	"github.com/ltxstore/ltxstore/internal/testkit/s3fake"
)

func TestMain(m *testing.M) {
	s3fake.Isolate()
	race.CollectLess()
	os.Exit(m.Run())
}
