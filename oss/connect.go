package oss

import (
	"cmp"
	"context"
	"os"
	"strings"

	"github.com/aliyun/alibabacloud-oss-go-sdk-v2/oss"
	"github.com/aliyun/alibabacloud-oss-go-sdk-v2/oss/credentials"
	"github.com/aliyun/alibabacloud-oss-go-sdk-v2/oss/retry"

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
	log.Secrets.Add(settings.Secrets(cfg)...)
	b := &bucket{Service: service(cfg, &log.Secrets), cfg: cfg}
	closeIdle, err := b.dial()
	if err != nil {
		return nil, err
	}
	return &object.Store{
		Bucket: b,
		Traits: object.Traits{NewHash: newHash, DeleteBatch: batchSize, MaxParts: maxParts, MaxPartSize: maxPartSize, MaxObjectSize: maxObjectSize},
		Keys:   keys,

		WriteOnce:   cfg.WriteOnce,
		Options:     cfg.Transfer,
		IdleTimeout: cfg.HTTP.IdleTimeout,
		Close:       closeIdle,
	}, nil
}

// load checks cfg and returns it with the values that come from the environment.
func (cfg Config) load(getenv func(string) string) (Config, error) {
	if err := cfg.validate(); err != nil {
		return cfg, err
	}
	if cfg.Credentials == nil {
		if cfg.AccessKeyID == "" {
			cfg.AccessKeyID, cfg.SecretAccessKey, cfg.SecurityToken = getenv("OSS_ACCESS_KEY_ID"), getenv("OSS_ACCESS_KEY_SECRET"), getenv("OSS_SESSION_TOKEN")
		}
		if cfg.AccessKeyID == "" || cfg.SecretAccessKey == "" {
			return cfg, invalid("AccessKeyID", cfg.AccessKeyID, "want it and SecretAccessKey, Credentials, or OSS_ACCESS_KEY_ID and OSS_ACCESS_KEY_SECRET")
		}
	}
	if err := cfg.HTTP.Check(typeName); err != nil {
		return cfg, err
	}
	cfg.Region = cmp.Or(strings.TrimPrefix(cfg.Region, "oss-"), "cn-hangzhou")
	cfg.Endpoint = strings.TrimRight(cmp.Or(cfg.Endpoint, "https://oss-"+cfg.Region+".aliyuncs.com"), "/")
	return cfg, nil
}

// dial makes a client on our own transport that neither retries requests nor
// computes checksums of bodies.
func (b *bucket) dial() (closeIdle func(), err error) {
	next, closeIdle, err := transport.Shared(b.cfg.HTTP)
	if err != nil {
		return nil, err
	}
	provider := b.cfg.Credentials
	if provider == nil {
		provider = credentials.NewStaticCredentialsProvider(b.cfg.AccessKeyID, b.cfg.SecretAccessKey, b.cfg.SecurityToken)
	}
	b.api = oss.NewClient(&oss.Config{
		Region:                  &b.cfg.Region,
		Endpoint:                &b.cfg.Endpoint,
		CredentialsProvider:     provider,
		Retryer:                 retry.NopRetryer{},
		RetryMaxAttempts:        oss.Ptr(1),
		DisableUploadCRC64Check: oss.Ptr(true),
		HttpClient:              b.Client(next),
	})
	return closeIdle, nil
}
