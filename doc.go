// Package ltxstore stores the LTX files of SQLite replication on a disk, in
// S3 and every S3-compatible store, and in Google Cloud Storage.
//
// ReplicaClient is the contract that every backend keeps, in numbered clauses.
// The backends live in packages of their own, so that an importer compiles no
// cloud SDK that it does not use:
//
//   - file: a directory on a disk
//   - s3: Amazon S3, and what speaks its protocol
//   - gcs: Google Cloud Storage
//   - mock: memory, with scripted faults, for an importer's tests
//
// Each has a constructor, and a scheme for Open. Package config reads replicas
// from YAML.
//
// What a daemon needs of any backend is here: layouts (Layout), errors (Error and
// its kinds, IsRetryable) and the reads of LTX files (FindLTXFiles, FetchLTXHeader,
// FetchPageIndex, FetchPage). Package backend has what the author of a backend or a
// wrapper needs besides, and package testing/replicatest holds a backend, ours or a
// third party's, to the contract.
package ltxstore
