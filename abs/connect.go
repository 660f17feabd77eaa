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

	"github.com/ltxstore/ltxstore/abs/internal/account"
	"github.com/ltxstore/ltxstore/backend"
	"github.com/ltxstore/ltxstore/backend/object"
	"github.com/ltxstore/ltxstore/backend/oplog"
	"github.com/ltxstore/ltxstore/backend/settings"
	"github.com/ltxstore/ltxstore/backend/transport"
)

// connect checks cfg, completes it, and makes the client that all requests go
// through.
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
	closeIdle, err := b.dial()
	if err != nil {
		return nil, err
	}
	return &object.Store{
		Bucket: b,
		Traits: object.Traits{
			// The service lists no metadata of a blob that is encrypted with a
			// customer's key.
			ListsMetadata: len(cfg.CustomerKey) == 0,
			NewHash:       md5.New, // which the service keeps of a blob
			DeleteBatch:   batchSize,
			MaxParts:      maxBlocks,
			MaxPartSize:   maxBlockSize,
			MaxObjectSize: maxBlocks * maxBlockSize,
		},
		Keys:  keys,
		Place: []string{cfg.Endpoint, cfg.Bucket},

		WriteOnce:   cfg.WriteOnce,
		Options:     cfg.Transfer,
		IdleTimeout: cfg.HTTP.IdleTimeout,
		Close:       closeIdle,
	}, nil
}

// load checks cfg and returns it with what the environment, the connection
// string and the key's file add.
func (cfg Config) load(getenv func(string) string) (Config, error) {
	if err := cfg.validate(); err != nil {
		return cfg, err
	}
	a, err := cfg.account().Load(getenv)
	if err != nil {
		return cfg, err
	}
	cfg.Account, cfg.Endpoint, cfg.AccountKey, cfg.SASToken, cfg.ConnectionString = a.Name, a.Endpoint, a.Key, a.SAS, a.ConnectionString
	cfg.Credential, cfg.isRegistered = a.Credential, a.Registered
	cfg.CustomerKey, err = backend.KeyOrFile(typeName, "CustomerKeyFile", cfg.CustomerKey, cfg.CustomerKeyFile, transport.CustomerKeySize)
	if err != nil {
		return cfg, err
	}
	cfg.CustomerKeyFile = ""
	if err := cfg.HTTP.Check(typeName); err != nil {
		return cfg, err
	}
	// Again: what was added may be invalid, or contradict what was given.
	return cfg, cfg.validate()
}

// dial makes a client over our own transport: the library's would keep ten idle
// connections, wait for ever for an answer, and repeat requests by its own
// rules.
func (b *bucket) dial() (closeIdle func(), err error) {
	next, closeIdle, err := transport.Shared(b.cfg.HTTP)
	if err != nil {
		return nil, err
	}
	options := &container.ClientOptions{ClientOptions: azcore.ClientOptions{
		Retry:     policy.RetryOptions{MaxRetries: -1}, // none
		Transport: b.Client(next),
	}, ExpectContinueBehavior: blob.ExpectContinueOptions{Mode: blob.ExpectContinueModeOff}} // what was sent would depend on earlier failures
	place := b.cfg.Endpoint + "/" + url.PathEscape(b.cfg.Bucket)
	b.container, err = b.cfg.account().Client(place, next, b.Secrets.AddToken, options)
	return closeIdle, err
}

// account returns the fields of cfg that are about the account.
func (cfg Config) account() account.Account {
	return account.Account{Name: cfg.Account, Endpoint: cfg.Endpoint, Key: cfg.AccountKey, SAS: cfg.SASToken,
		ConnectionString: cfg.ConnectionString, Credential: cfg.Credential, Registered: cfg.isRegistered}
}

// RegisterIdentity makes open the source of credentials where neither the
// Config nor the environment has any. Package entra calls it.
func RegisterIdentity(open func() (azcore.TokenCredential, error)) { account.RegisterIdentity(open) }
