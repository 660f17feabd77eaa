package main

import (
	"context"
	"flag"
	"strings"

	"github.com/ltxstore/ltxstore/internal/settings"
)

// command is what `ltxstore NAME` does.
type command struct {
	name  string
	args  string // as shown: "URL [LEVEL]"
	short string // in half a line
	long  string
	json  string // what -json writes; empty if there is no such flag

	examples []string
	min, max int // of arguments; max -1 is any number
	replicas int // how many of the first ones name replicas

	// bind binds the flags, and returns the function to call after they are parsed.
	bind func(flags *flag.FlagSet) func(ctx context.Context, a *app, args []string) error
}

// commands returns all commands, in the order of the help.
func commands() []*command {
	return []*command{
		lsCommand(), catCommand(), cpCommand(), rmCommand(), verifyCommand(), restoreCommand(),
		checkCommand(), benchCommand(), configCommand(), completionCommand(), versionCommand(), helpCommand(),
	}
}

// find returns the command of a command line, and the arguments after its
// name.
func find(args []string) (*command, []string, error) {
	if len(args) == 0 || args[0] == "-h" || args[0] == "-help" || args[0] == "--help" {
		return helpCommand(), nil, nil
	}
	if args[0] == "-version" || args[0] == "--version" {
		return versionCommand(), nil, nil
	}
	var names []string
	for _, cmd := range commands() {
		words := strings.Fields(cmd.name)
		if len(args) >= len(words) && strings.Join(args[:len(words)], " ") == cmd.name {
			return cmd, args[len(words):], nil
		}
		if words[0] == args[0] { // "config" alone
			return &command{name: words[0]}, nil, usagef("want ltxstore %s %s", cmd.name, cmd.args)
		}
		names = append(names, cmd.name)
	}
	if near := settings.Nearest(args[0], names); near != "" {
		return &command{}, nil, usagef("unknown command %q: did you mean %s?", args[0], near)
	}
	return &command{}, nil, usagef("unknown command %q", args[0])
}
