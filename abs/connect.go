package abs

import (
	"context"
	"encoding/base64"
	"net/http"
	"net/url"
	"os"
	"strings"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/blob"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/container"

	"github.com/ltxstore/ltxstore/backend"
	"github.com/ltxstore/ltxstore/backend/object"
	"github.com/ltxstore/ltxstore/backend/oplog"
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
	log.Secrets.Add(cfg.AccountKey, cfg.SASToken, query.Get("sig"), string(cfg.CustomerKey), base64.StdEncoding.EncodeToString(cfg.CustomerKey))
	b := &bucket{cfg: cfg, secrets: &log.Secrets}
	closeIdle, err := b.dial()
	if err != nil {
		return nil, backend.InitError(typeName, log.Secrets.Error(err))
	}
	return &object.Store{
		Bucket: b,
		Traits: object.Traits{
			// The service lists no metadata of a blob that is encrypted with a
			// customer's key.
			ListsMetadata: len(cfg.CustomerKey) == 0,
			NewHash:       newHash,
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
	cfg, err := cfg.fromEnvironment(getenv)
	if err != nil {
		return cfg, err
	}
	cfg.SASToken = strings.TrimPrefix(cfg.SASToken, "?")
	cfg.CustomerKey, err = backend.KeyOrFile(typeName, "CustomerKeyFile", cfg.CustomerKey, cfg.CustomerKeyFile, customerKeySize)
	if err != nil {
		return cfg, err
	}
	cfg.CustomerKeyFile = ""
	if err := cfg.HTTP.Check(typeName); err != nil {
		return cfg, err
	}
	switch {
	case cfg.Account == "" && (cfg.Endpoint == "" || cfg.AccountKey != ""):
		return cfg, invalid("Account", "", "want the storage account's name")
	case cfg.Endpoint == "":
		cfg.Endpoint = "https://" + cfg.Account + ".blob.core.windows.net"
	}
	cfg.Endpoint = strings.TrimRight(cfg.Endpoint, "/")
	// Once more: what was added may be bad, or contradict what was given.
	return cfg, cfg.validate()
}

// dial makes a client over our own transport: the library's would keep ten idle
// connections, wait for ever for an answer, and repeat requests in its own way.
func (b *bucket) dial() (closeIdle func(), err error) {
	next, closeIdle, err := transport.Shared(b.cfg.HTTP)
	if err != nil {
		return nil, err
	}
	options := &container.ClientOptions{ClientOptions: azcore.ClientOptions{
		Retry: policy.RetryOptions{MaxRetries: -1, ShouldRetry: func(*http.Response, error) bool { return false }},
		Transport: &http.Client{
			Transport:     &transport.Checked{Next: next, Check: check, TooLong: transport.Foreign("it is longer than any of the service's")},
			CheckRedirect: transport.NoRedirect,
		},
	}, ExpectContinueBehavior: blob.ExpectContinueOptions{Mode: blob.ExpectContinueModeOff}} // what was sent would depend on earlier failures
	place := b.cfg.Endpoint + "/" + url.PathEscape(b.cfg.Bucket)
	switch {
	case b.cfg.AccountKey != "":
		var key *container.SharedKeyCredential
		if key, err = container.NewSharedKeyCredential(b.cfg.Account, b.cfg.AccountKey); err != nil {
			return closeIdle, invalid("AccountKey", "[redacted]", "want the account's key, in base64")
		}
		b.container, err = container.NewClientWithSharedKeyCredential(place, key, options)
	case b.cfg.SASToken != "":
		b.container, err = container.NewClientWithNoCredential(place+"?"+b.cfg.SASToken, options)
	default:
		b.container, err = container.NewClient(place, &tokens{b.cfg.Credential, b.secrets.AddToken}, options)
	}
	return closeIdle, err
}

// maxDocument is more than a listing of 5000 names of 1024 characters with their
// properties can be; maxError more than an error has to say.
const maxDocument, maxError = 64 << 20, 256 << 10

// check lets only the service's own successes pass, and only a blob's content
// be of any length.
func check(req *http.Request, resp *http.Response) (limit int64, err error) {
	switch {
	case resp.StatusCode >= 300:
		return maxError, nil
	case !isService(resp):
		return 0, transport.Foreign("a success without x-ms-version")
	case req.Method == http.MethodGet && req.URL.Query().Get("comp") == "":
		return 0, nil
	}
	return maxDocument, nil
}
