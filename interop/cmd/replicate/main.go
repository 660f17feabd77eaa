// Command replicate demonstrates ltxstore: the daemon, ltxstored, replicates a live
// SQLite database. The replica is then restored to its newest state and to an earlier
// moment, and both are compared with the source.
//
// The exit code is 0 if everything was equal, 1 if not or if something failed,
// and 2 if the arguments are invalid.
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
	// The first signal stops the command cleanly; without the handler, a second
	// one kills it.
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
