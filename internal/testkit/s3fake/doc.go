// Package s3fake is a small S3 server in memory, for tests. It is as strict as
// real services (signatures, checksums, lengths, rules for parts, truncated
// bodies), and has Options for their differences. The response to requests that
// no backend of this library sends is 501 NotImplemented.
//
// Package httpfault adds faults of the network.
package s3fake
