// Package restore makes a database out of a replica's LTX files.
//
// NewPlan finds the files that a state of the database is made of; Run plans,
// reads the files and writes the database, which appears whole or not at all.
// Both work over any ltxstore.ReplicaClient, and restore what Litestream
// restores from the same files, to the byte.
package restore
