// Package transfer copies a replica from one store, or layout, to another.
//
// It works with any two clients ([ltxstore.ReplicaClient]), can be interrupted and repeated
// at any time, and deletes nothing. Package [github.com/ltxstore/ltxstore/verify] checks
// the copy, and [github.com/ltxstore/ltxstore/v03] converts replicas of Litestream v0.3.
package transfer
