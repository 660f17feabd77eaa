package abs

import (
	"cmp"
	"context"
	"crypto/md5"
	"crypto/sha256"
	"fmt"
	"net/url"
	"os"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/to"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/blob"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/container"

	"github.com/ltxstore/ltxstore/backend"
	"github.com/ltxstore/ltxstore/backend/object"
	"github.com/ltxstore/ltxstore/backend/oplog"
	"github.com/ltxstore/ltxstore/backend/settings"
	"github.com/ltxstore/ltxstore/backend/transport"
	"github.com/ltxstore/ltxstore/internal/scrub"
)

// connect checks and completes cfg, and makes the client that sends all
// requests.
func (cfg Config) connect(_ context.Context, log *oplog.Logger) (*object.Store, error) {
	cfg, err := cfg.load(os.Getenv)
	if err != nil {
		return nil, err
	}
	keys, err := backend.KeysAt(cfg.Layout, cfg.Path)
	if err != nil {
		return nil, err
	}
	query, _ := url.ParseQuery(cfg.SASToken)
	log.Secrets.Add(append(settings.Secrets(cfg), query.Get("sig"))...)
	b, closeIdle, err := newBucket(cfg, &log.Secrets)
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
// connection string and the key file, and with defaults.
func (cfg Config) load(getenv func(string) string) (Config, error) {
	if err := cfg.validate(); err != nil {
		return cfg, err
	}
	cfg, err := cfg.withAccount(getenv)
	if err != nil {
		return cfg, err
	}
	if err := transport.LoadCustomerKey(typeName, "CustomerKeyFile", &cfg.CustomerKey, &cfg.CustomerKeyFile); err != nil {
		return cfg, err
	}
	cfg.Transfer = cfg.Transfer.WithDefaults(object.Options{PageSize: maxPageSize})
	cfg.HTTP = cfg.HTTP.WithDefaults(cfg.Transfer.Requests())
	// Check again: the added values may be invalid or contradict others.
	return cfg, cmp.Or(cfg.HTTP.Check(typeName), cfg.validate())
}

// newBucket makes a client over our own transport. That of the library would keep
// ten idle connections, wait forever for a response, and retry in its own way.
func newBucket(cfg Config, secrets *scrub.Secrets) (b *bucket, release func(), err error) {
	next, release, err := transport.Shared(cfg.HTTP)
	if err != nil {
		return nil, nil, err
	}
	b = &bucket{Service: service(), name: cfg.Bucket,
		scope: &blob.CPKScopeInfo{EncryptionScope: transport.Optional(cfg.EncryptionScope)},
		tier:  transport.Optional(blob.AccessTier(cfg.AccessTier))}
	b.Place, b.Secrets = fmt.Sprintf("container %q at %s", cfg.Bucket, cfg.Endpoint), secrets
	if len(cfg.CustomerKey) > 0 {
		key, sum := transport.EncodeCustomerKey(cfg.CustomerKey, sha256.New())
		b.key = &blob.CPKInfo{EncryptionAlgorithm: to.Ptr(blob.EncryptionAlgorithmTypeAES256), EncryptionKey: &key, EncryptionKeySHA256: &sum}
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
	place := cfg.Endpoint + "/" + cfg.Bucket
	switch {
	case cfg.AccountKey != "":
		var key *container.SharedKeyCredential
		if key, err = container.NewSharedKeyCredential(cfg.Account, cfg.AccountKey); err == nil {
			b.container, err = container.NewClientWithSharedKeyCredential(place, key, options)
		}
	case cfg.SASToken != "":
		b.container, err = container.NewClientWithNoCredential(place+"?"+cfg.SASToken, options)
	default:
		b.container, err = container.NewClient(place, tokensOf(cfg.Credential, next, secrets), options)
	}
	if err != nil {
		release()
	}
	return b, release, err
}
