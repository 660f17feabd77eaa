package main

import (
	"context"
	"errors"
	"flag"
	"os"

	"github.com/ltxstore/ltxstore/config"
	"github.com/ltxstore/ltxstore/internal/settings"
)

func configCommand() *command {
	return &command{
		name: "config check", args: "FILE", min: 1, max: 1,
		short: "check a configuration file",
		long: "Reads a configuration file, YAML or JSON, such as a litestream.yml, and reports everything that is wrong with it, with line and column. " +
			"For each replica it shows the bucket, the prefix of its keys, the endpoint, the region and the layout. It sends no request.",
		json:     `replicas (database, type, bucket, prefix, endpoint, region, layout), problems (file, line, column, message): empty lists if there are none.`,
		examples: []string{"ltxstore config check /etc/litestream.yml"},
		bind: func(flags *flag.FlagSet) func(context.Context, *app, []string) error {
			cmd := new(checking)
			flags.BoolVar(&cmd.opts.Litestream, "litestream", false, "use the layout of Litestream for replicas that do not name one")
			flags.BoolVar(&cmd.opts.NoExpandEnv, "no-expand-env", false, "do not expand $NAME")
			return cmd.run
		},
	}
}

type checking struct{ opts config.Options }

// configured is the JSON output for a replica.
type configured struct {
	Database string `json:"database,omitempty"`
	Type     string `json:"type"`
	Bucket   string `json:"bucket,omitempty"`
	Prefix   string `json:"prefix,omitempty"`
	Endpoint string `json:"endpoint,omitempty"`
	Region   string `json:"region,omitempty"`
	Layout   string `json:"layout,omitempty"`
}

func configuredAt(database string, r config.Replica) configured {
	place := r.Place()
	return configured{database, r.Type(), place.Bucket, place.Path, place.Endpoint, place.Region, place.Layout}
}

// problem is the JSON output for a problem in a file. Line and Column are 0 if unknown.
type problem struct {
	File    string `json:"file"`
	Line    int    `json:"line,omitempty"`
	Column  int    `json:"column,omitempty"`
	Message string `json:"message"`
}

func (cmd *checking) run(ctx context.Context, a *app, args []string) error {
	file, err := a.readConfig(ctx, "FILE", args[0], cmd.opts)
	a.progress.done()
	wrong := new(configError)
	if err != nil && !errors.As(err, &wrong) {
		return err
	}
	if file == nil {
		file = new(config.File)
	}
	found, failed := configuredIn(file)
	failed = append(append(settings.Split(wrong.err), daemonErrors(file)...), failed...)
	problems := []problem{}
	for _, err := range failed {
		text := message(err)
		at := new(config.Error)
		errors.As(err, &at)
		problems = append(problems, problem{args[0], at.Line, at.Column, text})
		a.complain(configCommand(), args[0]+": "+text)
	}
	if a.json {
		a.writeJSON(map[string]any{"replicas": found, "problems": problems})
	} else {
		for _, r := range found {
			r.write(a)
		}
		a.printf("%s: %s, %s\n", args[0], count(len(found), "replica"), verdict(len(problems)))
	}
	if len(problems) > 0 {
		return errProblems
	}
	return nil
}

// configuredIn returns the replicas of a file that can be opened, and the errors of others.
func configuredIn(file *config.File) (found []configured, failed []error) {
	found = []configured{}
	check := func(database string, replicas []config.Replica) {
		for _, r := range replicas {
			if err := r.Unsupported(); err != nil {
				failed = append(failed, err)
			} else if r.Type() != "" { // or it was wrong
				found = append(found, configuredAt(database, r))
			}
		}
	}
	for _, db := range file.DBs {
		check(db.Path+db.Dir, db.Replicas)
	}
	check("", file.Replicas)
	return found, failed
}

func verdict(problems int) string {
	if problems > 0 {
		return count(problems, "problem")
	}
	return "OK"
}

// write writes a replica as text: a block with one line for each property.
func (r configured) write(a *app) {
	if r.Database != "" {
		a.printf("%s\n", r.Database)
	}
	for _, line := range [][2]string{{"type", r.Type}, {"bucket", r.Bucket}, {"prefix", r.Prefix}, {"endpoint", r.Endpoint},
		{"region", r.Region}, {"layout", r.Layout}} {
		if line[1] != "" {
			a.printf("  %-9s %s\n", line[0], line[1])
		}
	}
}

// configError is the errors of a configuration file.
type configError struct {
	name string
	err  error
}

func (e *configError) Error() string { return e.name + ": " + message(e.err) }
func (e *configError) Unwrap() error { return e.err }

// readConfig reads and parses a configuration file. If the file has errors, they are a
// configError, and the file is what config.Parse returns. flag is the flag or variable that
// names the file.
func (a *app) readConfig(ctx context.Context, flag, name string, opts config.Options) (*config.File, error) {
	if err := localFile(flag, name); err != nil {
		return nil, err
	}
	data, err := await(ctx, func() ([]byte, error) { return os.ReadFile(name) }) // it may be a pipe
	if err != nil {
		return nil, err
	}
	file, err := config.Parse(data, opts)
	if err != nil {
		return file, &configError{name, err}
	}
	return file, nil
}
