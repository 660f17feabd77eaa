// Package s3fake is a small S3 server in memory, for tests. It is strict where
// real services are (signatures, checksums, lengths, part rules, truncated
// bodies), and each way in which one of them differs is an Option. It is no
// complete server: what no backend here asks for is 501 NotImplemented.
//
// Faults of the network are the business of package httpfault, around it.
package s3fake
