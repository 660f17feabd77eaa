// Package gcsfake is a small Google Cloud Storage server in memory, for tests:
// the JSON API, and reads over the XML API, as cloud.google.com/go/storage sends
// them. It is strict where the service is (preconditions, checksums, lengths,
// resumable sessions, customers' keys, selected fields), and each way in which
// an answer may be poorer is an Option. It is no complete server: what no
// backend here asks for is 501.
//
// A client finds it under option.WithEndpoint(url + "/storage/v1/"), or under
// STORAGE_EMULATOR_HOST.
//
// Faults of the network are the business of package httpfault, around it.
package gcsfake
