package object_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ltxstore/ltxstore/backend/object"
)

// sizeless lists no sizes, and metadata with a time.
type sizeless struct {
	*scripted
	at string
}

func (s sizeless) List(ctx context.Context, opts object.ListOptions) (object.Page, error) {
	page, err := s.memory.List(ctx, opts)
	for i := range page.Objects {
		page.Objects[i].Size = -1
		page.Objects[i].Metadata = map[string]string{"litestream-timestamp": s.at}
	}
	return page, err
}

// A time that the listing's metadata tells is the file's, though its size has to be
// asked for.
func TestTimeOfTheListingIsKept(t *testing.T) {
	for _, metadata := range []bool{false, true} {
		for _, traits := range []object.Traits{{}, {ListsMetadata: true}} {
			s := newScripted(traits)
			fill(t, s.client(t, s, false), 2)
			it, err := s.client(t, sizeless{s, "2020-02-29T12:00:00Z"}, false).LTXFiles(t.Context(), 0, 0, metadata)
			require.NoError(t, err)
			for it.Next() {
				assert.Equal(t, time.Date(2020, 2, 29, 12, 0, 0, 0, time.UTC), it.Item().CreatedAt)
				assert.Positive(t, it.Item().Size)
			}
			require.NoError(t, it.Close())
			assert.Equal(t, 2, s.seen["Head"])
		}
	}
}
