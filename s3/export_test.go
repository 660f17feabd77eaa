package s3

// TakeSmallParts has clients of cfg send parts of size bytes, for a server whose
// MinPart is that. Under the race detector, parts of 5 MiB take seconds.
func TakeSmallParts(cfg *Config, size int64) { cfg.leastPart = size }
