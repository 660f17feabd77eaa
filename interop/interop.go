// Package interop tests ltxstore together with Litestream: the real engine
// replicates live databases with our clients, and each side reads files of the
// other. Package engine drives Litestream, package sample makes databases and
// writes to them, package dbcheck compares databases, package servers starts
// real servers, and cmd/replicate is a demonstration.
//
// It is a separate module, so that importing ltxstore does not add SQLite,
// Litestream or servers.
package interop

import (
	"github.com/benbjohnson/litestream"

	"github.com/ltxstore/ltxstore/abs"
	"github.com/ltxstore/ltxstore/file"
	"github.com/ltxstore/ltxstore/gcs"
	"github.com/ltxstore/ltxstore/nats"
	"github.com/ltxstore/ltxstore/oss"
	"github.com/ltxstore/ltxstore/s3"
	"github.com/ltxstore/ltxstore/sftp"
	"github.com/ltxstore/ltxstore/webdav"
)

// Our concrete clients are Litestream's clients as they are.
var (
	_ litestream.ReplicaClient = (*abs.ReplicaClient)(nil)
	_ litestream.ReplicaClient = (*file.ReplicaClient)(nil)
	_ litestream.ReplicaClient = (*gcs.ReplicaClient)(nil)
	_ litestream.ReplicaClient = (*nats.ReplicaClient)(nil)
	_ litestream.ReplicaClient = (*oss.ReplicaClient)(nil)
	_ litestream.ReplicaClient = (*s3.ReplicaClient)(nil)
	_ litestream.ReplicaClient = (*sftp.ReplicaClient)(nil)
	_ litestream.ReplicaClient = (*webdav.ReplicaClient)(nil)
)
