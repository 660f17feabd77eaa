package transport

import (
	"strings"

	"github.com/ltxstore/ltxstore/backend/object"
)

// CheckListing returns an error if a response is not the listing of prefix in bucket.
// ofBucket and ofPrefix are those in the response, and page its content.
func CheckListing(bucket, prefix, ofBucket, ofPrefix string, page object.Page) error {
	if ofBucket != bucket || ofPrefix != prefix {
		return Foreign("listing of %q in the bucket %q: want %q", ofPrefix, ofBucket, prefix)
	}
	for _, o := range page.Objects {
		if !strings.HasPrefix(o.Key, prefix) {
			return Foreign("listing of %q contains %q", prefix, o.Key)
		}
	}
	return nil
}
