package mirror

import (
	"errors"
	"fmt"
	"time"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/internal/settings"
)

const wrapper = "mirror"

func init() { ltxstore.RegisterWrapper(driver{table()}, wrapper) }

// driver wraps replicas whose URL or file has settings of "mirror".
type driver struct{ settings.Table[Config] }

// Wrap implements ltxstore.WrapperDriver.
func (d driver) Wrap(next ltxstore.ReplicaClient, src ltxstore.Source, open func(ltxstore.Source) (ltxstore.ReplicaClient, error)) (ltxstore.ReplicaClient, error) {
	rest, replicas, err := settings.Replicas(settings.Source(src), wrapper)
	if err != nil {
		return next, err
	}
	var others []ltxstore.ReplicaClient
	check := func(cfg Config) (err error) {
		if others, err = openAll(replicas, open); err == nil {
			cfg.Others = others
			_, err = cfg.open(next)
		}
		return err
	}
	client, err := settings.Wrap(d.Table, rest, next, check,
		func(next ltxstore.ReplicaClient, cfg Config) ltxstore.ReplicaClient {
			cfg.Others = others
			return New(next, cfg)
		})
	if err != nil {
		err = errors.Join(err, closeAll(others))
	}
	return client, err
}

// Check implements ltxstore.WrapperDriver.
func (d driver) Check(next ltxstore.ReplicaClient, src ltxstore.Source, check func(ltxstore.Source) error) error {
	rest, replicas, err := settings.Replicas(settings.Source(src), wrapper)
	if err != nil {
		return err
	}
	return settings.Check(d.Table, rest, func(cfg Config) error {
		for n, src := range replicas {
			if err := check(ltxstore.Source(src)); err != nil {
				return fmt.Errorf("%s.%d: %w", wrapper, n, err)
			}
			cfg.Others = append(cfg.Others, New(next, Config{})) // stands for it, and is the same as no other
		}
		_, err := cfg.open(next)
		return err
	})
}

// Explain explains what is wrong with the mirror, not with a replica in it.
func (d driver) Explain(src settings.Source, wrong *settings.FieldError) (text string, ok bool) {
	rest, _, err := settings.Replicas(src, wrapper)
	if err != nil {
		return "", false
	}
	return d.Table.Explain(rest, wrong)
}

// Lookup implements ltxstore.WrapperDriver. A replica's settings may be secrets.
func (d driver) Lookup(key string) (name string, secret, ok bool) {
	if settings.IsReplica(wrapper, key) {
		return wrapper + "." + settings.ReplicasName, true, true
	}
	return d.Table.Lookup(key)
}

func openAll(replicas []settings.Source, open func(ltxstore.Source) (ltxstore.ReplicaClient, error)) (clients []ltxstore.ReplicaClient, err error) {
	for n, src := range replicas {
		client, err := open(ltxstore.Source(src))
		if err != nil {
			return nil, errors.Join(fmt.Errorf("%s.%d: %w", wrapper, n, err), closeAll(clients))
		}
		clients = append(clients, client)
	}
	return clients, nil
}

func closeAll(clients []ltxstore.ReplicaClient) error {
	var failed error
	for _, client := range clients {
		failed = errors.Join(failed, ltxstore.Close(client))
	}
	return failed
}

func table() settings.Table[Config] {
	return settings.Table[Config]{
		Wrapper:  []string{wrapper},
		CodeOnly: []string{"OnFailure", "CopyDamaged"},
		Rows: []settings.Row[Config]{
			{Name: settings.ReplicasName, Secret: true, Default: "required", Help: "The further replicas: `mirror=URL` in a query, once for each; in a file a list of URLs, or of maps as a replica has them.",
				To: settings.Func("list", func(c *Config) any { return &c.Others }, func(*Config, string) error { return errors.New("want a URL") })},
			{Name: "policy", Default: "`all`", Help: "How many replicas must have a file: `all`, `quorum` or `best-effort`.",
				To: settings.Text(func(c *Config) *Policy { return &c.Policy })},
			{Name: "backoff", Default: "1s", Help: "For how long a replica that has failed is asked last; twice as long each time.",
				To: settings.Duration(func(c *Config) *time.Duration { return &c.Backoff })},
			{Name: "max-backoff", Default: "1m", Help: "The bound of that.",
				To: settings.Duration(func(c *Config) *time.Duration { return &c.MaxBackoff })},
		},
	}
}
