package nats

import (
	"crypto/sha256"
	"hash"

	"github.com/nats-io/nats.go"

	"github.com/ltxstore/ltxstore/backend"
	"github.com/ltxstore/ltxstore/backend/object"
	"github.com/ltxstore/ltxstore/backend/oplog"
	"github.com/ltxstore/ltxstore/internal/flow"
)

// connect checks given and makes the store. It sends nothing.
func connect(given Config, log *oplog.Logger) (*object.Store, error) {
	if err := given.validate(); err != nil {
		return nil, err
	}
	cfg := given.withDefaults()
	keys, err := backend.NewKeys(cfg.Layout, cfg.Path)
	if err != nil {
		return nil, backend.Refused(typeName, "init", "Path", err)
	}
	log.Secrets.Add(cfg.Password, cfg.Token, cfg.JWT, cfg.Seed)
	if isSeed(cfg.NKey) {
		log.Secrets.Add(cfg.NKey)
	}
	options, err := cfg.options()
	if err != nil {
		return nil, err
	}
	b := &bucket{cfg: cfg, options: options, log: log,
		stream: "OBJ_" + cfg.Bucket, descriptions: "$O." + cfg.Bucket + ".M.", chunks: "$O." + cfg.Bucket + ".C."}
	return &object.Store{
		Bucket: b,
		Traits: object.Traits{Unsorted: true, NoStartAt: true, ListsMetadata: true, NewHash: func() hash.Hash { return sha256.New() }},
		Keys:   keys,
		Place:  []string{cfg.URL, cfg.Bucket},

		WriteOnce: cfg.WriteOnce,
		Options: object.Options{
			UploadThreshold:     window * cfg.ChunkSize,
			PartSize:            window * cfg.ChunkSize,
			ReadConcurrency:     cfg.ReadConcurrency,
			ReadMemory:          int64(cfg.ReadConcurrency) * window * cfg.ChunkSize,
			MetadataConcurrency: cfg.MetadataConcurrency,
			DeleteConcurrency:   cfg.DeleteConcurrency,
		},
		IdleTimeout: cfg.IdleTimeout,
		Close:       b.close,
	}, nil
}

// bucket is an object.Bucket, an object.Streamer, an object.Retractor, an
// object.Sweeper and an object.Watcher.
type bucket struct {
	cfg     Config // with its defaults filled in
	options nats.Options
	log     *oplog.Logger
	ready   flow.Lazy[session]

	stream               string // its name
	descriptions, chunks string // what the subjects of these begin with
}
