// Package ltxstore stores the LTX files of SQLite replication: on a disk, in
// S3 and compatible stores, in Google Cloud Storage, Azure Blob Storage, Alibaba
// OSS and NATS JetStream, and on SFTP and WebDAV servers.
//
// [ReplicaClient] is the interface that every backend implements. Its contract is
// written in numbered clauses. Each backend has its own package, so that a program
// compiles only the SDKs of the stores it uses:
//
//   - [github.com/ltxstore/ltxstore/file]: a directory on a disk
//   - [github.com/ltxstore/ltxstore/s3]: Amazon S3 and compatible stores
//   - [github.com/ltxstore/ltxstore/gcs]: Google Cloud Storage
//   - [github.com/ltxstore/ltxstore/abs]: Azure Blob Storage
//   - [github.com/ltxstore/ltxstore/oss]: Alibaba Cloud OSS
//   - [github.com/ltxstore/ltxstore/nats]: NATS JetStream object stores
//   - [github.com/ltxstore/ltxstore/sftp]: a directory on an SFTP server
//   - [github.com/ltxstore/ltxstore/webdav]: a collection on a WebDAV server
//   - [github.com/ltxstore/ltxstore/mock]: memory, with scripted faults, for the
//     tests of programs that use this package
//
// Each has a constructor and a URL scheme for [Open]. Package
// [github.com/ltxstore/ltxstore/backends] imports them all. Package
// [github.com/ltxstore/ltxstore/config] reads replicas from YAML. Package
// [github.com/ltxstore/ltxstore/wrap] and the packages below it add encryption,
// compression, mirroring and more to any client. Packages
// [github.com/ltxstore/ltxstore/restore], [github.com/ltxstore/ltxstore/verify]
// and [github.com/ltxstore/ltxstore/transfer] restore, check and copy replicas.
//
// This package has what a daemon needs with any backend: layouts ([Layout]),
// errors ([Error] and its kinds, [IsRetryable]) and reading LTX files
// ([FindLTXFiles], [FetchLTXHeader], [FetchPageIndex], [FetchPage]). Package
// [github.com/ltxstore/ltxstore/backend] is for authors of backends and wrappers,
// and package [github.com/ltxstore/ltxstore/testing/replicatest] checks any
// backend against the contract.
package ltxstore
