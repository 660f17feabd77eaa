package s3

import (
	"context"
	"io"
	"maps"
	"net/http"
	"net/url"
	"os"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/ltxstore/ltxstore/backend"
	"github.com/ltxstore/ltxstore/backend/object"
	"github.com/ltxstore/ltxstore/backend/oplog"
	"github.com/ltxstore/ltxstore/backend/transport"
)

// connect checks cfg, completes it, and makes the client that all requests go
// through. It sends at most one request: a HEAD for the region.
func (cfg Config) connect(ctx context.Context, log *oplog.Logger) (*object.Store, error) {
	if err := cfg.validate(); err != nil {
		return nil, err
	}
	cfg, err := cfg.load()
	if err != nil {
		return nil, err
	}
	log.Secrets.Add(cfg.SecretAccessKey, cfg.SessionToken, cfg.ExternalID, string(cfg.SSECustomerKey))
	sdk, err := loadSDK(ctx, cfg, log)
	if err != nil {
		return nil, cfg.service(&log.Secrets).Describe(err)
	}

	endpoint, err := endpointOf(cfg, sdk)
	if err != nil {
		return nil, err
	}
	if endpoint != nil {
		cfg.Endpoint = endpoint.String()
	}
	// Once more, because the endpoint may come from the environment.
	if err := cfg.validate(); err != nil {
		return nil, err
	}
	p := providerOf(endpoint, cfg.Bucket)
	if cfg.ChecksumAlgorithm != "" {
		// A configured checksum overrides the table.
		p.noChecksum = cfg.ChecksumAlgorithm == checksumNone
	}
	cfg = cfg.withDefaults(p)
	if err := cfg.validateFor(p); err != nil {
		return nil, err
	}
	keys, err := backend.KeysAt(cfg.Layout, cfg.Path)
	if err != nil {
		return nil, err
	}

	client, closeIdle, err := transport.Shared(cfg.HTTP)
	if err != nil {
		return nil, cfg.service(&log.Secrets).Describe(err)
	}
	sdk.HTTPClient = roundTripper{client}
	if cfg.Region == "" {
		cfg.Region = regionWithoutAsking(cfg, sdk.Region, p)
	}
	cfg.shareCredentials(&sdk, client, &log.Secrets)
	if cfg.Region == "" {
		cfg.Region, err = transport.Once(ctx, client, "region of "+cfg.Bucket+" at "+cfg.Endpoint, func(ctx context.Context) (string, error) {
			return askRegion(ctx, cfg, newAPI(cfg, sdk, p, fallbackRegion, noSession{}), log)
		})
		if err != nil {
			closeIdle()
			return nil, err
		}
	}
	return &object.Store{
		Bucket: &bucket{Service: cfg.service(&log.Secrets), cfg: cfg, provider: p, api: newAPI(cfg, sdk, p, cfg.Region, cfg.sessions(sdk, client, p))},
		Traits: p.traits(),
		Keys:   keys,

		WriteOnce:   cfg.WriteOnce,
		Options:     cfg.Transfer,
		IdleTimeout: cfg.HTTP.IdleTimeout,
		Close:       closeIdle,
	}, nil
}

// load returns cfg with the contents of its files, and with copies of the values that
// the caller may change.
func (cfg Config) load() (Config, error) {
	if err := transport.LoadCustomerKey(typeName, "SSECustomerKeyFile", &cfg.SSECustomerKey, &cfg.SSECustomerKeyFile); err != nil {
		return cfg, err
	}
	if cfg.HTTP.CABundle == "" && cfg.HTTP.RoundTripper == nil && !cfg.HTTP.InsecureSkipVerify {
		cfg.HTTP.CABundle = os.Getenv("AWS_CA_BUNDLE")
	}
	if err := cfg.HTTP.Check(typeName); err != nil {
		return cfg, err
	}
	cfg.Tags, cfg.KMSContext = maps.Clone(cfg.Tags), maps.Clone(cfg.KMSContext)
	return cfg, nil
}

// endpointOf returns the endpoint of the Config, AWS_ENDPOINT_URL_S3, AWS_ENDPOINT_URL
// or the profile, or nil.
func endpointOf(cfg Config, sdk aws.Config) (*url.URL, error) {
	if cfg.Endpoint != "" {
		return transport.Endpoint(typeName, "Endpoint", cfg.Endpoint)
	}
	found := s3.NewFromConfig(sdk).Options().BaseEndpoint
	return transport.Endpoint(typeName, "AWS_ENDPOINT_URL", aws.ToString(found))
}

// roundTripper is an aws.HTTPClient without two features of http.Client: redirects,
// which make a signature invalid and hide the region in a 301, and errors with the
// whole URL.
type roundTripper struct{ http.RoundTripper }

// Do sends a request. Its body has no WriteTo, because that of the SDK's bodies fails
// after Close. They are closed when the response begins, and the transport may look
// for their end only then, and would close the connection.
func (c roundTripper) Do(req *http.Request) (*http.Response, error) {
	if req.Body != nil && req.Body != http.NoBody {
		req.Body = struct{ io.ReadCloser }{req.Body}
	}
	return c.RoundTrip(req)
}
