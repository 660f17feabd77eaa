// Package daemon replicates the databases of a litestream.yml by Litestream's
// engine over this library's clients: what the command ltxstored does. Parse
// reads the file, Open starts, Daemon.Close replicates what is missing and stops.
package daemon
