// Package restore restores a database from the LTX files of a replica.
//
// [NewPlan] finds the files for a state of the database. [Run] makes a plan,
// reads the files and writes the database, which appears whole or not at all.
// [DryRun] does everything but write. All work with any
// ltxstore.ReplicaClient, and give the same bytes as Litestream does from the
// same files. Package verify checks a whole replica; package v03 restores
// replicas of Litestream v0.3.
package restore
