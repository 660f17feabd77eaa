// Package replicatest tests whether an implementation of
// ltxstore.ReplicaClient keeps the contract, as testing/fstest does for file
// systems.
//
// Run runs the suite under go test, Check runs it anywhere else, for example
// against a live store. Both run the same Cases. Bench measures a store. A
// case names the clauses of ltxstore.ReplicaClient that it proves, and
// docs/contract.md lists which case proves which clause.
//
// Some cases need more than a client: they inspect what is stored, or break
// something. Store has a field for each such need, and each need is a
// Capability. Capabilities that a store cannot offer must be declared in
// Config.Lacks. A case fails if a capability that it needs is neither offered
// nor declared lacking, or if the store contradicts a declaration. No case is
// skipped silently.
//
// The suite itself is tested with mutants, which are clients with one fault
// each. A mutant must fail exactly the cases that name its fault.
//
// The suite depends on the standard library and github.com/superfly/ltx only.
package replicatest
