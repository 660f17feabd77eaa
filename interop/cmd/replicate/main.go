// Command replicate shows ltxstore at work: the daemon, ltxstored, replicates a live
// SQLite database, and the replica is restored and compared with the source, as it is at
// the end and as it was at a moment in between.
//
// It exits with 0 if everything was equal, 1 if not or if something failed,
// and 2 if it was called wrongly.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	// The first signal is a clean stop; with the handler gone a second kills.
	context.AfterFunc(ctx, stop)
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	opts, err := parse(args)
	switch {
	case errors.Is(err, flag.ErrHelp):
		usage(stdout)
		return 0
	case err != nil:
		fmt.Fprintf(stderr, "replicate: %v (-h lists the flags)\n", err)
		return 2
	}
	err = replicate(ctx, opts, newScreen(stdout), stderr)
	if errors.Is(err, context.Canceled) && ctx.Err() != nil {
		err = errors.New("interrupted before the first sync: there is nothing to restore")
	}
	if err != nil {
		fmt.Fprintln(stderr, "replicate:", strings.ReplaceAll(err.Error(), "\n", "; "))
		return 1
	}
	return 0
}
