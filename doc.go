// Package ltxstore stores the LTX files of SQLite replication: on a disk, in
// S3 and every S3-compatible store, in Google Cloud Storage, Azure Blob
// Storage and Alibaba OSS, in NATS JetStream, and on SFTP and WebDAV servers.
//
// [ReplicaClient] is the contract that every backend keeps, in numbered
// clauses. Each backend is a package of its own, so that a program compiles
// only the SDKs of the stores it uses:
//
//   - file: a directory on a disk
//   - s3: Amazon S3 and every store that speaks its protocol
//   - gcs: Google Cloud Storage
//   - abs: Azure Blob Storage
//   - oss: Alibaba Cloud OSS
//   - nats: NATS JetStream object stores
//   - sftp: a directory on an SFTP server
//   - webdav: a collection on a WebDAV server
//   - mock: memory, with scripted faults, for the tests of programs that use
//     this package
//
// Each has a constructor and a URL scheme for [Open]. Package backends
// imports them all. Package config reads replicas from YAML, the packages
// below wrap add encryption, compression, mirrors and more around any client,
// and package restore makes a database of a replica.
//
// This package has what a daemon needs whatever the backend: layouts
// ([Layout]), errors ([Error] and its kinds, [IsRetryable]) and reading LTX
// files ([FindLTXFiles], [FetchLTXHeader], [FetchPageIndex], [FetchPage]).
// Package backend has what the author of a backend or a wrapper needs in
// addition, and package testing/replicatest checks any backend against the
// contract.
package ltxstore
