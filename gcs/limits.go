package gcs

// Limits of the service. Those of settings are repeated in the tags of Config.
const (
	maxPageSize = 1000      // "Objects: list", maxResults
	chunkUnit   = 256 << 10 // "Resumable uploads": every chunk but the last is a multiple
)
