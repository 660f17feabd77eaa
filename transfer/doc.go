// Package transfer copies a replica from one store, or layout, to another.
//
// It works over any two ltxstore.ReplicaClients, can be broken off and started
// again at any time, and deletes nothing.
package transfer
