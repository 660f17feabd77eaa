package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"time"

	"github.com/ltxstore/ltxstore/internal/settings"
)

// The exit codes.
const (
	exitOK          = 0
	exitFailed      = 1
	exitUsage       = 2
	exitProblems    = 3
	exitInterrupted = 130 // 128 plus the number of SIGINT, as in a shell
)

// app is one run of the command.
type app struct {
	in     io.Reader
	out    io.Writer
	err    io.Writer
	inTTY  bool // a person can answer
	outTTY bool
	errTTY bool // a person watches
	width  int  // columns of the terminal
	now    func() time.Time

	env           func(string) (string, bool) // nil means that of the process
	defaultConfig string                      // Litestream's default file; empty means none

	json, quiet, verbose bool
	config               configFlags
	at                   []target // the replicas that the command line names

	level slog.LevelVar // of the log
	args  []string      // the command line, which may hold secrets

	progress *progress
}

// silent is a level above all others, so that nothing is logged.
const silent = slog.Level(100)

// errProblems is the error of a command that found problems and has already
// reported them.
var errProblems = errors.New("problems were found")

// usageError is an error in the command line.
type usageError struct{ text string }

func (e *usageError) Error() string { return e.text }

func usagef(format string, args ...any) error { return &usageError{fmt.Sprintf(format, args...)} }

// run executes the command line and returns the exit code.
func (a *app) run(ctx context.Context, args []string) int {
	a.level.Set(silent)
	a.args = args
	out := &output{ctx: ctx, w: a.out, before: func() {}}
	a.out = out
	cmd, rest, err := find(args)
	if err == nil {
		err = a.call(ctx, cmd, rest, out)
	}
	said := err == nil || errors.Is(err, errProblems)
	if said && out.err != nil { // nobody has read it
		err = out.err
	}
	switch usage := new(usageError); {
	case err == nil:
		return exitOK
	case errors.Is(err, errProblems):
		return exitProblems
	case errors.As(err, &usage):
		a.complain(cmd, usage.text+"; see: ltxstore help"+strings.TrimSuffix(" "+cmd.name, " "))
		return exitUsage
	case ctx.Err() != nil && errors.Is(err, context.Canceled):
		a.complain(cmd, "interrupted"+after(err))
		return exitInterrupted
	}
	a.complain(cmd, message(err)+advice(err))
	return exitFailed
}

// interruption is the error of an interrupted command. It says how far the
// command got.
type interruption struct {
	done string
	err  error
}

func (i *interruption) Error() string { return i.err.Error() + ": " + i.done }
func (i *interruption) Unwrap() error { return i.err }

func after(err error) string {
	if i := new(interruption); errors.As(err, &i) {
		return ": " + i.done
	}
	return ""
}

// complain writes an error on one line.
func (a *app) complain(cmd *command, text string) {
	name := strings.TrimSuffix("ltxstore "+cmd.name, " ")
	lines := strings.FieldsFunc(text, func(r rune) bool { return r == '\n' || r == '\r' })
	for i, line := range lines {
		lines[i] = strings.TrimSpace(line)
	}
	fmt.Fprintf(a.err, "%s: %s\n", name, withoutSecrets(strings.Join(lines, "; "), a.args))
}

// warn writes a warning.
func (a *app) warn(cmd *command, text string) {
	a.progress.done()
	a.complain(cmd, "warning: "+text)
}

// call parses the flags of a command and runs it.
func (a *app) call(ctx context.Context, cmd *command, args []string, out *output) error {
	flags := flag.NewFlagSet(cmd.name, flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	run := cmd.bind(flags)
	a.common(flags, cmd)
	args, err := parse(flags, args)
	switch {
	case errors.Is(err, flag.ErrHelp):
		a.help(cmd)
		return nil
	case err != nil:
		return usagef("%s", unknownFlag(err, flags))
	}
	if a.verbose {
		a.level.Set(slog.LevelDebug)
	}
	a.progress = a.newProgress()
	defer a.progress.end()
	out.before = a.progress.aside
	if cmd.max < 0 || len(args) <= cmd.max {
		if a.at, args, err = a.targets(ctx, cmd, args); err != nil {
			return err
		}
	}
	switch {
	case len(args) < cmd.min:
		return usagef("want %s", strings.TrimSpace("ltxstore "+cmd.name+" "+cmd.args))
	case cmd.max >= 0 && len(args) > cmd.max:
		return usagef("unexpected argument %q: want %s", args[cmd.max], strings.TrimSpace("ltxstore "+cmd.name+" "+cmd.args))
	}
	return run(ctx, a, args)
}

// common defines the flags that every command has.
func (a *app) common(flags *flag.FlagSet, cmd *command) {
	if cmd.json != "" {
		flags.BoolVar(&a.json, "json", false, "write JSON, for programs")
	}
	a.config.bind(flags, cmd)
	flags.BoolVar(&a.quiet, "quiet", false, "show no progress")
	flags.BoolVar(&a.verbose, "v", false, "log to standard error")
}

// parse parses flags before, between and after the arguments, up to --.
func parse(flags *flag.FlagSet, args []string) (rest []string, err error) {
	for {
		if err := flags.Parse(args); err != nil {
			return nil, err
		}
		parsed := len(args) - flags.NArg()
		if flags.NArg() == 0 || parsed > 0 && args[parsed-1] == "--" {
			return append(rest, flags.Args()...), nil
		}
		rest, args = append(rest, flags.Arg(0)), flags.Args()[1:]
	}
}

// unknownFlag suggests the flag that was probably meant.
func unknownFlag(err error, flags *flag.FlagSet) string {
	name, ok := strings.CutPrefix(err.Error(), "flag provided but not defined: -")
	if !ok {
		return err.Error()
	}
	if strings.ContainsAny(name, ":/@?") { // cut at a "=" that may be within a password
		return "an argument starts with - but is not a flag: put -- before the arguments"
	}
	var known []string
	flags.VisitAll(func(f *flag.Flag) { known = append(known, f.Name) })
	if near := settings.Nearest(strings.TrimPrefix(name, "-"), known); near != "" {
		return fmt.Sprintf("unknown flag -%s: did you mean -%s?", name, near)
	}
	return "unknown flag -" + name
}

func (a *app) printf(format string, args ...any) { fmt.Fprintf(a.out, format, args...) }
