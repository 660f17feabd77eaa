package s3

// Limits of Amazon S3. Those of other providers are in provider.go, and those of settings are
// repeated in the tags of Config.
const (
	minPartSize = 5 << 20 // of every part but the last: "Multipart upload limits"
	maxPageSize = 1000    // the default and maximum: "ListObjectsV2"
	batchSize   = 1000    // keys: "DeleteObjects"

	maxTags, maxTagKey, maxTagValue = 10, 128, 256 // "Categorizing your storage using tags"
)
