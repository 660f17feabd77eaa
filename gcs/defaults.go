package gcs

import (
	"cmp"
	"time"

	"github.com/ltxstore/ltxstore/backend/rangeio"
)

// withDefaults returns cfg with Config's defaults in place of zero values.
// Where the zero value is what is meant, it stays.
func (cfg Config) withDefaults() Config {
	cfg.ChunkSize = cmp.Or(cfg.ChunkSize, 8<<20)
	cfg.UploadThreshold = cmp.Or(cfg.UploadThreshold, cfg.ChunkSize)
	cfg.MetadataConcurrency = cmp.Or(cfg.MetadataConcurrency, 32)
	cfg.ReadConcurrency = cmp.Or(cfg.ReadConcurrency, rangeio.DefaultPoolRequests)
	cfg.ReadMemory = cmp.Or(cfg.ReadMemory, rangeio.DefaultPoolMemory)
	cfg.DeleteConcurrency = cmp.Or(cfg.DeleteConcurrency, 64)
	cfg.PageSize = cmp.Or(cfg.PageSize, maxPageSize)
	if cfg.MaxIdleConns == 0 {
		// Deletions are not beside reads in numbers that matter.
		cfg.MaxIdleConns = max(cfg.DeleteConcurrency, cfg.MetadataConcurrency+cfg.ReadConcurrency) + 1
	}
	if cfg.MaxConns > 0 {
		cfg.MaxIdleConns = min(cfg.MaxIdleConns, cfg.MaxConns)
	}
	cfg.IdleConnTimeout = cmp.Or(cfg.IdleConnTimeout, 90*time.Second)
	cfg.IdleTimeout = cmp.Or(cfg.IdleTimeout, time.Minute)
	cfg.ResponseTimeout = cmp.Or(cfg.ResponseTimeout, time.Minute)
	cfg.Anonymous = cfg.Anonymous || cfg.Endpoint != "" && cfg.CredentialsFile == "" && len(cfg.CredentialsJSON) == 0
	cfg.Retry = cfg.Retry.WithDefaults()
	return cfg
}
