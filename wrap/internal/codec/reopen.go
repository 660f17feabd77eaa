package codec

import (
	"errors"
	"io"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/wrap/internal/layer"
)

// maxReplaced bounds how often a file is opened that is replaced between the reads of what is
// known of it and of its content.
const maxReplaced = 5

// OpenKnown opens a file by what is known of it. What is not in the cache is read first, and again
// if open fails with ltxstore.ErrChecksum because the file has been replaced since. The file is
// damaged if same reports that it has not.
func OpenKnown[K any](cache *Cache[K], f layer.File, read func() (K, error), same func(a, b K) bool, open func(K) (io.ReadCloser, error)) (io.ReadCloser, error) {
	known, cached := cache.Get(f)
	if !cached {
		var err error
		if known, err = read(); err != nil {
			return nil, err
		}
	}
	for try := 1; ; try++ {
		rc, err := open(known)
		if try == maxReplaced || !errors.Is(err, ltxstore.ErrChecksum) {
			return rc, err
		}
		now, readErr := read()
		if readErr != nil {
			return nil, readErr
		}
		if same(now, known) {
			return nil, err
		}
		known = now
	}
}
