// Package gcsfake is a small Google Cloud Storage server in memory, for tests.
// It has the JSON API, and reads with the XML API, as
// cloud.google.com/go/storage uses them. It is as strict as the service
// (preconditions, checksums, lengths, resumable sessions, customers' keys,
// selected fields), and has Options for weaker responses. The response to
// requests that no backend of this library sends is 501.
//
// Clients use option.WithEndpoint(url + "/storage/v1/") or
// STORAGE_EMULATOR_HOST.
//
// Package httpfault adds faults of the network.
package gcsfake
