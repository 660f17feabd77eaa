package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"runtime/debug"
	"strings"
)

func helpCommand() *command {
	return &command{
		name: "help", args: "[COMMAND]", max: 2,
		short:    "describe a command",
		long:     "Describes a command and its flags. Without an argument, it lists all commands and explains URLs and exit codes.",
		examples: []string{"ltxstore help restore"},
		bind: func(*flag.FlagSet) func(context.Context, *app, []string) error {
			return func(_ context.Context, a *app, args []string) error {
				if len(args) == 0 {
					a.overview()
					return nil
				}
				cmd, rest, err := find(args)
				if err == nil && len(rest) > 0 {
					err = usagef("unknown command %q", strings.Join(args, " "))
				}
				if err != nil {
					return err
				}
				a.help(cmd)
				return nil
			}
		},
	}
}

// overview prints the help for newcomers.
func (a *app) overview() {
	a.printf("ltxstore lists, copies, checks and restores replicas of SQLite databases.\n\n")
	for _, cmd := range commands() {
		a.printf("  %-14s %s\n", cmd.name, cmd.short)
	}
	a.printf("\n%s\n\n%s\n", wrapped(urls, a.width, ""), wrapped(configs, a.width, ""))
	a.printf("\nExit codes:\n")
	for _, line := range exitCodes {
		a.printf("  %-3d %s\n", line.code, line.meaning)
	}
	a.printf("\nMore about each: ltxstore help COMMAND\n")
}

const urls = `A URL names a replica: file:///var/replicas/db, s3://bucket/path, gs://bucket/path. ` +
	`Settings follow a question mark, as in s3://bucket/db?endpoint=http://localhost:9000; docs/configuration.md lists them all. ` +
	`Credentials come from the same places as for the cloud's own tools. The layout is detected unless layout= names it. ` +
	`The path of a directory names a replica on this disk. Without a URL, commands use $LTXSTORE_URL.`

const configs = `With -config, the path of a database names its replica in a configuration file, with all settings and ` +
	`credentials: ltxstore ls -config /etc/litestream.yml /var/lib/app.db. Without it, $LTXSTORE_CONFIG or else ` +
	`/etc/litestream.yml is read, and a path that is not in it names a directory.`

var exitCodes = []struct {
	code    int
	meaning string
}{
	{exitOK, "done"},
	{exitFailed, "failed; see standard error"},
	{exitUsage, "the command line is invalid"},
	{exitProblems, "verify, check or config check found problems"},
	{exitInterrupted, "interrupted"},
}

// help writes the help of a command.
func (a *app) help(cmd *command) {
	io.WriteString(a.out, cmd.text(a.width))
}

func (c *command) text(width int) string {
	var text strings.Builder
	fmt.Fprintf(&text, "ltxstore %s", c.name)
	text.WriteString(" [flags]")
	if c.args != "" {
		text.WriteString(" " + c.args)
	}
	text.WriteString("\n\n" + wrapped(c.long, width, "") + "\n")
	if c.json != "" {
		text.WriteString("\n" + wrapped("With -json: "+c.json, width, "") + "\n")
	}
	text.WriteString("\nFlags:\n")
	for _, f := range c.flags() {
		kind, usage := flag.UnquoteUsage(f)
		head := strings.TrimSuffix("-"+f.Name+" "+kind, " ")
		if f.DefValue != "" && f.DefValue != "false" && f.DefValue != "0" && f.DefValue != "-1" {
			usage += " (default " + f.DefValue + ")"
		}
		if len(head) > 18 {
			fmt.Fprintf(&text, "  %s\n%21s%s\n", head, "", wrapped(usage, width-21, strings.Repeat(" ", 21)))
			continue
		}
		fmt.Fprintf(&text, "  %-18s %s\n", head, wrapped(usage, width-21, strings.Repeat(" ", 21)))
	}
	text.WriteString("\nExamples:\n")
	for _, example := range c.examples {
		fmt.Fprintf(&text, "  %s\n", example)
	}
	return text.String()
}

// flags returns the flags of a command, sorted by name.
func (c *command) flags() (found []*flag.Flag) {
	set := flag.NewFlagSet(c.name, flag.ContinueOnError)
	c.bind(set)
	new(app).common(set, c)
	set.VisitAll(func(f *flag.Flag) { found = append(found, f) })
	return found
}

func versionCommand() *command {
	return &command{
		name: "version", max: 0,
		short:    "print the version",
		long:     "Prints the version of ltxstore, and the version of Litestream whose files it reads and writes.",
		examples: []string{"ltxstore version"},
		bind: func(*flag.FlagSet) func(context.Context, *app, []string) error {
			return func(_ context.Context, a *app, _ []string) error {
				a.printf("ltxstore %s\n", version(debug.ReadBuildInfo()))
				return nil
			}
		},
	}
}
