package oss

// Limits of the service. Those of settings are repeated in the tags of Config.
const (
	maxParts      = 10_000  // "Limits and performance metrics"
	maxPartSize   = 5 << 30 // "Limits and performance metrics"
	maxObjectSize = maxParts * maxPartSize
	maxPageSize   = 1000 // "ListObjectsV2", max-keys
	batchSize     = 1000 // keys: "DeleteMultipleObjects"
)
