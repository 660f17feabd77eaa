package s3

import (
	"strings"

	"github.com/ltxstore/ltxstore/backend"
	"github.com/ltxstore/ltxstore/backend/object"
)

const checksumNone = "none"

// withDefaults returns cfg with the defaults of Config and the provider in place of
// zero values.
func (cfg Config) withDefaults(p provider) Config {
	if cfg.PathStyle == nil {
		pathStyle := cfg.Endpoint != "" && !p.virtualHost && !strings.HasPrefix(cfg.Bucket, "arn:")
		cfg.PathStyle = &pathStyle
	}
	own := object.Options{PartSize: cfg.leastPart, Concurrency: 5, MetadataConcurrency: 64, DeleteConcurrency: 4}
	if p.maxConcurrency > 0 {
		own.Concurrency = min(own.Concurrency, p.maxConcurrency)
	}
	cfg.Transfer = cfg.Transfer.WithDefaults(own)
	cfg.HTTP = cfg.HTTP.WithDefaults(cfg.Transfer.Requests())
	if cfg.SSE == "" && (cfg.KMSKeyID != "" || len(cfg.KMSContext) > 0) {
		cfg.SSE = sseKMS
	}
	if cfg.ChecksumAlgorithm == "" {
		cfg.ChecksumAlgorithm = "crc32"
		if p.noChecksum {
			cfg.ChecksumAlgorithm = checksumNone
		}
	}
	cfg.Retry = cfg.Retry.WithDefaults()
	return cfg
}

// validateFor rejects what the provider does not support. cfg has its defaults.
func (cfg Config) validateFor(p provider) error {
	switch {
	case cfg.Endpoint == "" && cfg.Region != "" && !isAWSRegion(cfg.Region):
		return invalid("Region", cfg.Region, `want a region of AWS such as "us-east-1"; other services need an Endpoint`)
	case cfg.WriteOnce && p.noConditional:
		return invalid("WriteOnce", cfg.WriteOnce, "want false: "+p.name+" has no conditional writes")
	case cfg.ContentMD5 == MD5Always && p.noDeleteMD5 && isDirectoryBucket(cfg.Bucket):
		return invalid("ContentMD5", string(cfg.ContentMD5), "want another mode: directory buckets do not support Content-MD5")
	}
	return nil
}

// validateWrites rejects writes without any checksum: a truncated body would be stored
// (clause W9). Such a client can read. cfg has its defaults.
func (cfg Config) validateWrites() error {
	if cfg.signs() || cfg.ChecksumAlgorithm != checksumNone || cfg.ContentMD5 == MD5Always || cfg.ContentMD5 == MD5Bodies {
		return nil
	}
	return backend.Invalid(typeName, "write", "SignPayload", false,
		`want true, a ChecksumAlgorithm, or ContentMD5 "always": a body without any of them is not protected`)
}
