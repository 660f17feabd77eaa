package main

import (
	"cmp"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"runtime/debug"

	"github.com/ltxstore/ltxstore/config"
	"github.com/ltxstore/ltxstore/litestream/daemon"
)

// options are the command's flags.
type options struct {
	config           string
	noExpandEnv      bool
	exec             string
	once             bool
	forceSnapshot    bool
	enforceRetention bool
	restore          bool
	logLevel         string
	check            bool
	version          bool
}

const defaultConfig = "/etc/litestream.yml"

func parseFlags(args []string, stderr io.Writer) (*options, error) {
	o := new(options)
	flags := flag.NewFlagSet("ltxstored", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.StringVar(&o.config, "config", cmp.Or(os.Getenv("LITESTREAM_CONFIG"), defaultConfig), "the configuration `FILE`, YAML or JSON")
	flags.BoolVar(&o.noExpandEnv, "no-expand-env", false, "do not expand $NAME in the configuration")
	flags.StringVar(&o.exec, "exec", "", "run a `COMMAND`, and stop when it exits")
	flags.BoolVar(&o.once, "once", false, "replicate all databases once and exit")
	flags.BoolVar(&o.forceSnapshot, "force-snapshot", false, "with -once: write a snapshot of each database")
	flags.BoolVar(&o.enforceRetention, "enforce-retention", false, "with -once: delete files whose retention has ended")
	flags.BoolVar(&o.restore, "restore-if-db-not-exists", false, "first restore databases that do not exist")
	flags.StringVar(&o.logLevel, "log-level", os.Getenv("LOG_LEVEL"), "override logging.level: trace, debug, info, warn or error")
	flags.BoolVar(&o.check, "check", false, "check the configuration and exit")
	flags.BoolVar(&o.version, "version", false, "print the version and exit")
	flags.Usage = func() {
		fmt.Fprintln(stderr, "usage: ltxstored [-config FILE] [flags]\n\nReplicates the SQLite databases of a litestream.yml.")
		flags.PrintDefaults()
	}
	if err := flags.Parse(args); err != nil {
		return nil, err
	}
	switch {
	case flags.NArg() > 0:
		return nil, fmt.Errorf("unexpected argument %q: want flags only, see -help", flags.Arg(0))
	case o.once && o.exec != "":
		return nil, errors.New("-once and -exec cannot be combined")
	case o.forceSnapshot && !o.once:
		return nil, errors.New("-force-snapshot needs -once")
	case o.enforceRetention && !o.once:
		return nil, errors.New("-enforce-retention needs -once")
	}
	return o, nil
}

// load reads the configuration.
func (o *options) load() (*daemon.Config, error) {
	data, err := os.ReadFile(o.config)
	if err != nil {
		return nil, err
	}
	cfg, err := daemon.Parse(data, config.Options{NoExpandEnv: o.noExpandEnv})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", o.config, err)
	}
	if o.logLevel != "" {
		if err := cfg.Log.SetLevel(o.logLevel); err != nil {
			return nil, fmt.Errorf("-log-level or LOG_LEVEL: %w", err)
		}
	}
	cfg.Exec = cmp.Or(o.exec, cfg.Exec)
	if o.once {
		cfg.Exec = ""
	}
	if o.restore {
		for i := range cfg.DBs {
			cfg.DBs[i].Restore = true
		}
	}
	return cfg, nil
}

// version returns the version of the module.
func version() string {
	if info, ok := debug.ReadBuildInfo(); ok {
		return info.Main.Version
	}
	return "unknown"
}
