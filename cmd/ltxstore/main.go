// Ltxstore lists, copies, verifies and restores replicas: the LTX files of
// SQLite replication on a disk, in an object store or on a server.
//
//	ltxstore help
package main

import (
	"context"
	"log/slog"
	"os"
	"os/signal"
	"slices"
	"syscall"
	"time"

	"golang.org/x/term"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), interruptions()...)
	context.AfterFunc(ctx, stop) // a second signal ends the process immediately
	a := &app{
		in:     os.Stdin,
		out:    os.Stdout,
		err:    os.Stderr,
		inTTY:  term.IsTerminal(int(os.Stdin.Fd())),
		outTTY: term.IsTerminal(int(os.Stdout.Fd())),
		errTTY: term.IsTerminal(int(os.Stderr.Fd())),
		width:  terminalWidth(os.Stdout, os.Stderr),

		defaultConfig: defaultConfig,
		now:           time.Now,
	}
	slog.SetDefault(a.logger()) // for clients that detect a layout, and for libraries
	code := a.run(ctx, os.Args[1:])
	stop()
	os.Exit(code)
}

// interruptions returns the signals that end a command cleanly. A signal that
// the parent process set to be ignored, as nohup does, stays ignored.
func interruptions() []os.Signal {
	return slices.DeleteFunc([]os.Signal{os.Interrupt, syscall.SIGTERM, syscall.SIGHUP}, signal.Ignored)
}

// terminalWidth returns the number of columns of the first of the files that
// is a terminal, or 80 if none is.
func terminalWidth(files ...*os.File) int {
	for _, file := range files {
		if width, _, err := term.GetSize(int(file.Fd())); err == nil && width > 0 {
			return max(width, 40)
		}
	}
	return 80
}
