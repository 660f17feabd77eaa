// Package oss stores a replica's LTX files in a bucket of Alibaba Cloud's Object
// Storage Service (OSS), through the service's own API. OSS also has an API like
// that of S3: for that one, use package [github.com/ltxstore/ltxstore/s3].
package oss

import (
	"context"

	"github.com/ltxstore/ltxstore/backend/object"
	"github.com/ltxstore/ltxstore/backend/oplog"
	"github.com/ltxstore/ltxstore/backend/settings"
)

const typeName = "oss"

// ReplicaClient is a replica in a bucket. NewReplicaClient returns one. It is safe for
// concurrent use. See object.Client for its methods. In particular:
//
//   - Init sends nothing to the service.
//   - Writing a body of at most Config.Transfer.UploadThreshold bytes costs one request. A
//     larger one is uploaded in parts, which costs two requests and one for each part.
//     The service verifies the MD5 of each request's body, and its CRC-64 of the whole
//     object is compared with that of the body.
//   - LTXFiles with useMetadata costs one more request for each file, because the service's
//     listings do not contain metadata.
//   - DeleteLTXFiles deletes up to 1000 files in one request.
type ReplicaClient struct {
	*object.Client
}

// NewReplicaClient returns a client of the replica that cfg describes. It sends
// no request and does not fail. If cfg is invalid, Init and every other method
// return an error.
func NewReplicaClient(cfg Config) *ReplicaClient {
	return &ReplicaClient{object.New(object.Config{
		Type:     typeName,
		Retry:    cfg.Retry,
		Logger:   cfg.Logger,
		Describe: func() string { return settings.Text(cfg) },
		Connect:  func(ctx context.Context, log *oplog.Logger) (*object.Store, error) { return cfg.connect(ctx, log) },
	})}
}
