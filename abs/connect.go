package abs

import (
	"context"
	"crypto/md5"
	"net/url"
	"os"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/blob"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/container"

	"github.com/ltxstore/ltxstore/backend"
	"github.com/ltxstore/ltxstore/backend/object"
	"github.com/ltxstore/ltxstore/backend/oplog"
	"github.com/ltxstore/ltxstore/backend/settings"
	"github.com/ltxstore/ltxstore/backend/transport"
)

// connect checks and completes cfg, and makes the client that sends all
// requests.
func (cfg Config) connect(_ context.Context, log *oplog.Logger) (*object.Store, error) {
	cfg, err := cfg.load(os.Getenv)
	if err != nil {
		return nil, err
	}
	cfg = cfg.withDefaults()
	keys, err := backend.KeysAt(cfg.Layout, cfg.Path)
	if err != nil {
		return nil, err
	}
	query, _ := url.ParseQuery(cfg.SASToken)
	log.Secrets.Add(append(settings.Secrets(cfg), query.Get("sig"))...)
	b := newBucket(cfg, &log.Secrets)
	closeIdle, err := b.dial(cfg)
	if err != nil {
		return nil, err
	}
	return &object.Store{
		Bucket: b,
		Traits: object.Traits{
			// Listings do not contain the metadata of blobs that are encrypted
			// with a customer-provided key.
			ListsMetadata: len(cfg.CustomerKey) == 0,
			NewHash:       md5.New, // stored by the service with each blob
			DeleteBatch:   batchSize,
			MaxParts:      maxBlocks,
			MaxPartSize:   maxBlockSize,
			MaxObjectSize: maxBlocks * maxBlockSize,
		},
		Keys: keys,

		WriteOnce:   cfg.WriteOnce,
		Options:     cfg.Transfer,
		IdleTimeout: cfg.HTTP.IdleTimeout,
		Close:       closeIdle,
	}, nil
}

// load checks cfg and returns it with the values of the environment, the
// connection string and the key file.
func (cfg Config) load(getenv func(string) string) (Config, error) {
	if err := cfg.validate(); err != nil {
		return cfg, err
	}
	cfg, err := cfg.withAccount(getenv)
	if err != nil {
		return cfg, err
	}
	cfg.CustomerKey, err = backend.KeyOrFile(typeName, "CustomerKeyFile", cfg.CustomerKey, cfg.CustomerKeyFile, transport.CustomerKeySize)
	if err != nil {
		return cfg, err
	}
	cfg.CustomerKeyFile = ""
	if err := cfg.HTTP.Check(typeName); err != nil {
		return cfg, err
	}
	// Check again: the added values may be invalid or contradict others.
	return cfg, cfg.validate()
}

// dial makes a client over our own transport. That of the library would keep ten
// idle connections, wait forever for a response, and retry in its own way.
func (b *bucket) dial(cfg Config) (release func(), err error) {
	next, release, err := transport.Shared(cfg.HTTP)
	if err != nil {
		return nil, err
	}
	options := transport.Share(next, "options of abs", func() *container.ClientOptions {
		return &container.ClientOptions{
			ClientOptions: azcore.ClientOptions{
				Retry:     policy.RetryOptions{MaxRetries: -1}, // none
				Transport: service().Client(next),
			},
			ExpectContinueBehavior: blob.ExpectContinueOptions{Mode: blob.ExpectContinueModeOff}, // otherwise requests would depend on earlier failures
		}
	})
	place := cfg.Endpoint + "/" + url.PathEscape(cfg.Bucket)
	switch {
	case cfg.AccountKey != "":
		var key *container.SharedKeyCredential
		if key, err = container.NewSharedKeyCredential(cfg.Account, cfg.AccountKey); err == nil {
			b.container, err = container.NewClientWithSharedKeyCredential(place, key, options)
		}
	case cfg.SASToken != "":
		b.container, err = container.NewClientWithNoCredential(place+"?"+cfg.SASToken, options)
	default:
		b.container, err = container.NewClient(place, tokensOf(cfg.Credential, next, b.Secrets), options)
	}
	if err != nil {
		release()
	}
	return release, err
}
