// Package verify looks at everything that a replica holds: whether each file is
// whole and what its name says, whether the files of each level fit together,
// and what can be restored.
//
// It works over any ltxstore.ReplicaClient, reads only, and never stops at the
// first thing that is wrong.
package verify
