package nats

import (
	"crypto/sha256"

	"github.com/ltxstore/ltxstore/backend"
	"github.com/ltxstore/ltxstore/backend/object"
	"github.com/ltxstore/ltxstore/backend/oplog"
	"github.com/ltxstore/ltxstore/backend/settings"
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
	log.Secrets.Add(settings.Secrets(cfg)...)
	of, leave, err := links.Use(cfg.way(), func() (of *link, err error) {
		of = new(link)
		of.options, err = cfg.options(&of.secrets)
		return of, err
	})
	if err != nil {
		return nil, err
	}
	log.Secrets.Include(&of.secrets)
	b := newBucket(cfg, of, leave, log)
	transfer := cfg.Transfer
	transfer.PartSize *= window
	transfer.UploadThreshold = transfer.PartSize
	transfer.ReadMemory = int64(transfer.ReadConcurrency) * transfer.PartSize
	return &object.Store{
		Bucket: b,
		Traits: object.Traits{Unsorted: true, NoStartAt: true, ListsMetadata: true, NewHash: sha256.New},
		Keys:   keys,

		WriteOnce:   cfg.WriteOnce,
		Options:     transfer,
		IdleTimeout: cfg.IdleTimeout,
		Close:       b.Close,
	}, nil
}
