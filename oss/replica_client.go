// Package oss keeps a replica's LTX files in a bucket of Alibaba Cloud's Object
// Storage Service.
package oss

import (
	"context"

	"github.com/ltxstore/ltxstore/backend/object"
	"github.com/ltxstore/ltxstore/backend/oplog"
)

const typeName = "oss"

// ReplicaClient is a replica in a bucket. It is made by NewReplicaClient and safe
// for concurrent use; object.Client has its methods. What is particular here:
//
//   - Init sends nothing to the service.
//   - A body of at most Config.Transfer.UploadThreshold bytes is one request. A larger one
//     is an upload in parts: two requests and one for each part. Each body has
//     its MD5, by which the service refuses anything else, and the CRC-64 that
//     the service has computed of the whole is compared.
//   - Timestamps cost one request for each file: a listing does not have them.
//   - 1000 files are deleted in one request.
type ReplicaClient struct {
	*object.Client
}

// NewReplicaClient returns a client of the replica that cfg describes. It sends
// nothing and cannot fail: Init, which every method calls, returns what is wrong
// with cfg.
func NewReplicaClient(cfg Config) *ReplicaClient {
	return &ReplicaClient{object.New(object.Config{
		Type:   typeName,
		Retry:  cfg.Retry,
		Logger: cfg.Logger,
		// A method value, such as cfg.String, would keep a copy.
		Describe: func() string { return cfg.String() },
		Connect: func(ctx context.Context, log *oplog.Logger) (*object.Store, error) {
			return cfg.connect(ctx, log)
		},
	})}
}
