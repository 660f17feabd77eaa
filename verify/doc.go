// Package verify checks a whole replica: whether each file is undamaged and contains the
// transactions in its name, whether the files of each level fit together, and what can be
// restored.
//
// It works with any [ltxstore.ReplicaClient], only reads, and reports everything it finds.
// Package [github.com/ltxstore/ltxstore/restore] restores the database, and
// [github.com/ltxstore/ltxstore/wrap/checksum] verifies files as they are written and read.
package verify
