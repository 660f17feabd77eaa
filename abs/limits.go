package abs

// Limits of the service. Those of settings are also in the tags of Config.
const (
	maxBlocks    = 50_000     // of a blob: "Scalability targets for Blob storage"
	maxBlockSize = 4000 << 20 // likewise
	maxPageSize  = 5000       // "List Blobs", maxresults
	batchSize    = 256        // deletions: "Blob Batch"
	maxDocument  = 64 << 20   // more than 5000 names of 1024 characters with their properties
)
