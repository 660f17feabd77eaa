// Package daemon replicates the databases of a litestream.yml with Litestream's
// engine and this library's clients, as the command ltxstored does. [Parse] reads
// the file, [Open] starts the daemon, and [Daemon.Close] replicates what is missing
// and stops it.
//
// Package [github.com/ltxstore/ltxstore/litestream] has the clients of the engine,
// and [github.com/ltxstore/ltxstore/config] reads the replicas of the file.
package daemon
