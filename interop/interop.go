// Package interop holds what ltxstore and Litestream must agree on: the real
// engine replicates live databases through our clients, and each side reads
// what the other has written. The tests are the content; package engine drives
// Litestream, package sample makes and writes databases, package dbcheck
// compares them, package servers starts real S3 servers, and cmd/replicate shows
// it all in one command.
//
// It is a module of its own, so that nobody who imports ltxstore gets SQLite,
// Litestream or a server with it.
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
