// Package replicatest tests whether an implementation of
// ltxstore.ReplicaClient keeps the contract, as testing/fstest does for file
// systems.
//
// Run runs the suite under go test, and Check runs it anywhere else, for example
// against a live store. Both run the same Cases. Bench measures a store. Each case
// names the clauses of ltxstore.ReplicaClient that it proves, and docs/contract.md
// lists the cases that prove each clause.
//
// Some cases need more than a client: they inspect what is stored, or break
// something. Each such need is a Capability, for which Store has a field.
// Capabilities that a store cannot offer must be declared in Config.Lacks. A case
// fails if a capability that it needs is neither offered nor declared lacking, or
// if the store contradicts a declaration. No case is skipped silently.
//
// The suite itself is tested with mutants: clients with one fault each, which must
// fail exactly the cases that test for it.
//
// The suite depends only on the standard library and github.com/superfly/ltx.
package replicatest
