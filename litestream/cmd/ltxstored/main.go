// Ltxstored replicates the SQLite databases of a litestream.yml with Litestream's
// engine, to every store and through every wrapper of ltxstore: client-side
// encryption, compression, several replicas, throttling.
//
//	ltxstored -config /etc/litestream.yml
//
// It is described in docs/daemon.md.
package main

import (
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	signals := make(chan os.Signal, 4)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	os.Exit(run(os.Args[1:], os.Stdout, os.Stderr, signals))
}

// The exit codes. With -exec, the exit code may also be that of the command.
const (
	exitOK      = 0
	exitFailure = 1
	exitUsage   = 2 // wrong arguments, or a wrong configuration
)

// complain prints an error.
func complain(w io.Writer, err error) { fmt.Fprintln(w, "ltxstored:", err) }
