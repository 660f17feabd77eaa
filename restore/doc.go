// Package restore restores a database from the LTX files of a replica.
//
// [NewPlan] finds the files for a state of the database. [Run] makes a plan,
// reads the files and writes the database, which appears whole or not at all.
// [DryRun] does everything except writing. They work with any
// [ltxstore.ReplicaClient]. The database has the same bytes as one that Litestream
// restores from the same files.
//
// Package [github.com/ltxstore/ltxstore/verify] checks a whole replica, and
// [github.com/ltxstore/ltxstore/v03] restores replicas of Litestream v0.3.
package restore
