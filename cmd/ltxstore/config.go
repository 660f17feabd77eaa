package main

import (
	"context"
	"flag"
	"os"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/config"
)

func configCommand() *command {
	return &command{
		name: "config check", args: "FILE", min: 1, max: 1,
		short: "check a configuration file",
		long: "Reads the replicas of a configuration file, YAML or JSON, a litestream.yml for example, and says what is wrong with it, by line and column. " +
			"No store is asked.",
		json:     `replicas: database, type, url (without secrets).`,
		examples: []string{"ltxstore config check /etc/litestream.yml"},
		bind: func(flags *flag.FlagSet) func(context.Context, *app, []string) error {
			cmd := new(checking)
			flags.BoolVar(&cmd.opts.Litestream, "litestream", false, "replicas that name no layout have Litestream's")
			flags.BoolVar(&cmd.opts.NoExpandEnv, "no-expand-env", false, "take $NAME as it is")
			return cmd.run
		},
	}
}

type checking struct{ opts config.Options }

// problems returns the errors that err joins, a line each. An *ltxstore.Error
// unwraps to several too: they are one problem.
func problems(err error) (found []error) {
	joined, ok := err.(interface{ Unwrap() []error })
	if _, one := err.(*ltxstore.Error); one || !ok {
		return []error{err}
	}
	for _, err := range joined.Unwrap() {
		found = append(found, problems(err)...)
	}
	return found
}

// configured is a replica in JSON.
type configured struct {
	Database string `json:"database,omitempty"`
	Type     string `json:"type"`
	URL      string `json:"url"`
}

func (cmd *checking) run(ctx context.Context, a *app, args []string) error {
	if err := localFile("FILE", args[0]); err != nil {
		return err
	}
	data, err := await(ctx, func() ([]byte, error) { return os.ReadFile(args[0]) }) // it may be a pipe
	if err != nil {
		return err
	}
	file, err := config.Parse(data, cmd.opts)
	if err != nil {
		a.progress.done()
		for _, problem := range problems(err) {
			a.complain(configCommand(), args[0]+": "+message(problem))
		}
		return errProblems
	}
	found := []configured{}
	for _, db := range file.DBs {
		for _, r := range db.Replicas {
			found = append(found, configured{db.Path + db.Dir, r.Type(), r.String()})
		}
	}
	for _, r := range file.Replicas {
		found = append(found, configured{"", r.Type(), r.String()})
	}
	if a.json {
		return writeJSON(a.out, map[string]any{"replicas": found})
	}
	t := table{heading: []string{"DATABASE", "TYPE", "REPLICA"}}
	for _, r := range found {
		t.add(r.Database, r.Type, r.URL)
	}
	t.write(a.out, a.width)
	a.printf("%s: %s, nothing wrong\n", args[0], count(len(found), "replica"))
	return nil
}
