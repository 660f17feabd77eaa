package gcs

import (
	"context"
	"net/http"
	"os"
	"strings"

	"cloud.google.com/go/storage"
	"google.golang.org/api/option"

	"github.com/ltxstore/ltxstore/backend"
	"github.com/ltxstore/ltxstore/backend/object"
	"github.com/ltxstore/ltxstore/backend/oplog"
	"github.com/ltxstore/ltxstore/backend/transport"
)

// connect checks and completes cfg, and makes the client that sends all
// requests.
func (cfg Config) connect(ctx context.Context, log *oplog.Logger) (*object.Store, error) {
	cfg, err := cfg.load()
	if err != nil {
		return nil, err
	}
	cfg = cfg.withDefaults()
	keys, err := backend.KeysAt(cfg.Layout, cfg.Path)
	if err != nil {
		return nil, err
	}
	log.Secrets.Add(string(cfg.SSECustomerKey))
	b := &bucket{cfg: cfg, log: log}
	store := &object.Store{
		Bucket: b,
		Traits: object.Traits{ListsMetadata: true, NewHash: newHash},
		Keys:   keys,

		WriteOnce:   cfg.WriteOnce,
		Options:     cfg.Transfer,
		IdleTimeout: cfg.HTTP.IdleTimeout,
	}
	if cfg.Client != nil {
		b.handle = cfg.Client.Bucket(cfg.Bucket).Retryer(storage.WithPolicy(storage.RetryNever))
	} else if store.Close, err = b.dial(ctx); err != nil {
		return nil, err
	}
	if cfg.QuotaProject != "" {
		b.handle = b.handle.UserProject(cfg.QuotaProject)
	}
	return store, nil
}

// load checks cfg and returns it with the values of the environment and of the
// files that it names, and with copies of its slices.
func (cfg Config) load() (Config, error) {
	if err := cfg.validate(); err != nil {
		return cfg, err
	}
	if host := os.Getenv("STORAGE_EMULATOR_HOST"); host != "" && cfg.Endpoint == "" && cfg.Client == nil {
		if !strings.Contains(host, "://") {
			host = "http://" + host // like Google's libraries
		}
		if _, err := parseEndpoint("STORAGE_EMULATOR_HOST", host); err != nil {
			return cfg, err
		}
		cfg.Endpoint = host
	}
	if err := transport.LoadCustomerKey(typeName, "SSECustomerKeyFile", &cfg.SSECustomerKey, &cfg.SSECustomerKeyFile); err != nil {
		return cfg, err
	}
	if err := cfg.HTTP.Check(typeName); err != nil {
		return cfg, err
	}
	// Check again: the endpoint may come from the environment.
	return cfg, cfg.validate()
}

// dial makes a client over our own transport. That of the library would keep two
// idle connections, wait forever for a response, and retry in its own way.
func (b *bucket) dial(ctx context.Context) (_ func(), err error) {
	base, release, err := transport.Shared(b.cfg.HTTP)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			release()
		}
	}()
	authorized, err := b.authorize(base)
	if err != nil {
		return nil, err
	}
	client := &http.Client{
		Transport:     &roundTripper{next: authorized, secrets: &b.log.Secrets},
		CheckRedirect: transport.NoRedirect,
	}
	b.http = client
	options := []option.ClientOption{
		option.WithHTTPClient(client),
		option.WithoutAuthentication(), // the client adds it
		storage.WithJSONReads(),        // errors of XML reads do not say whether a bucket or an object is missing
	}
	if b.cfg.Endpoint != "" {
		options = append(options, option.WithEndpoint(serviceURL(b.cfg.Endpoint)))
	}
	c, err := storage.NewClient(context.WithoutCancel(ctx), options...)
	if err != nil {
		return nil, err
	}
	b.handle = c.Bucket(b.cfg.Bucket).Retryer(storage.WithPolicy(storage.RetryAlways), storage.WithErrorFunc(never))
	return release, nil
}

// never tells the library to retry no error. Its policy RetryNever does not
// suffice, because chunks of an upload are retried even then.
func never(error) bool { return false }

// apiPath is the path of the JSON API.
const apiPath = "/storage/v1/"

// serviceURL returns the root of the JSON API at an endpoint.
func serviceURL(endpoint string) string {
	return strings.TrimSuffix(strings.TrimRight(endpoint, "/"), strings.TrimRight(apiPath, "/")) + apiPath
}
