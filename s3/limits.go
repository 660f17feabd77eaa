package s3

// Limits of Amazon S3. provider.go has the other providers', and those of settings are also
// in the tags of Config.
const (
	minPartSize = 5 << 20 // of every part but the last: "Multipart upload limits"
	maxPageSize = 1000    // files of a page unless less is asked for: "ListObjectsV2"
	batchSize   = 1000    // keys: "DeleteObjects"

	maxTags, maxTagKey, maxTagValue = 10, 128, 256 // "Categorizing your storage using tags"
)
