// Package transfer copies a replica from one store, or layout, to another.
//
// It works with any two clients ([ltxstore.ReplicaClient]), can be interrupted and run again
// at any time, and deletes nothing. Package [github.com/ltxstore/ltxstore/verify] checks
// the copy.
package transfer
