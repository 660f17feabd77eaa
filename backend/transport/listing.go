package transport

import (
	"strings"

	"github.com/ltxstore/ltxstore/backend/object"
)

// CheckListing returns the error of an answer that is not the listing of a prefix in
// a bucket. ofBucket and ofPrefix are what the answer repeats of the request, page is
// what it lists.
func CheckListing(bucket, prefix, ofBucket, ofPrefix string, page object.Page) error {
	if ofBucket != bucket || ofPrefix != prefix {
		return Foreign("a listing of %q in the bucket %q: want one of %q", ofPrefix, ofBucket, prefix)
	}
	for _, o := range page.Objects {
		if !strings.HasPrefix(o.Key, prefix) {
			return Foreign("a listing of %q that has %q", prefix, o.Key)
		}
	}
	return nil
}
