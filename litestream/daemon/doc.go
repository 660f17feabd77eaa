// Package daemon replicates the databases of a litestream.yml with Litestream's
// engine over this library's clients, as the command ltxstored does. Parse reads
// the file, Open starts, Daemon.Close replicates what is missing and stops.
package daemon
