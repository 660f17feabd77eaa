// Package replicatest holds an implementation of ltxstore.ReplicaClient to its
// contract, as testing/fstest does for file systems.
//
// Run runs the suite under go test, Check anywhere else (against a live store,
// say): both go through the one table of Cases. Bench measures. A case names
// the clauses of ltxstore.ReplicaClient that it proves, and docs/contract.md
// lists which case proves which clause.
//
// A case needs more than a client where it looks behind the client's back or
// breaks something. What a store offers for that is in Store, each offer has a
// Capability, and what a store cannot offer must be declared in Config.Lacks:
// a case whose need is neither offered nor declared lacking fails, and so does
// every case where a declaration is belied by the store. Nothing is left out in
// silence.
//
// The suite is itself tested by mutants: clients with one thing wrong, each of
// which must fail just the cases that name its fault.
//
// The suite needs the standard library and github.com/superfly/ltx alone.
package replicatest
