package main

import (
	"flag"
	"fmt"
	"io"
	"time"

	"github.com/ltxstore/ltxstore"
)

type options struct {
	ltxstored string
	db        string
	replica   string
	duration  time.Duration
	layout    ltxstore.Layout
	keep      bool
	verbose   bool
}

func flags(opts *options) *flag.FlagSet {
	set := flag.NewFlagSet("replicate", flag.ContinueOnError)
	set.SetOutput(io.Discard) // errors are one line, printed by run
	set.StringVar(&opts.ltxstored, "ltxstored", "ltxstored", "`path` of the daemon")
	set.StringVar(&opts.db, "db", "", "`path` of a SQLite database to replicate; it is put into WAL mode\n(default: a sample that is written to meanwhile)")
	set.StringVar(&opts.replica, "replica", "", "`URL` or path to replicate to\n(default: a new directory)")
	set.DurationVar(&opts.duration, "duration", 8*time.Second, "how long to replicate; 0 is until Ctrl-C")
	set.TextVar(&opts.layout, "layout", ltxstore.LayoutDefault, "`name` of the file layout: default, litestream, litestream-s3")
	set.BoolVar(&opts.keep, "keep", false, "keep all files, and say where they are")
	set.BoolVar(&opts.verbose, "v", false, "write the daemon's log to standard error")
	return set
}

func parse(args []string) (options, error) {
	var opts options
	set := flags(&opts)
	if err := set.Parse(args); err != nil {
		return opts, err
	}
	switch {
	case set.NArg() > 0:
		return opts, fmt.Errorf("unexpected argument %q: every setting is a flag", set.Arg(0))
	case opts.duration < 0:
		return opts, fmt.Errorf("-duration is %v: want 0 (until Ctrl-C) or more", opts.duration)
	}
	return opts, nil
}

func usage(w io.Writer) {
	fmt.Fprint(w, "Usage: replicate [flags]\n\n"+
		"Has ltxstored replicate a live SQLite database, restores the replica and compares the two.\n"+
		"Ctrl-C stops early, and still restores and compares.\n\n")
	set := flags(new(options))
	set.SetOutput(w)
	set.PrintDefaults()
}
