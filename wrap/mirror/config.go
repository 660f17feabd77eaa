package mirror

import (
	"cmp"
	"fmt"
	"reflect"
	"time"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/backend"
	"github.com/ltxstore/ltxstore/backend/settings"
	"github.com/ltxstore/ltxstore/wrap/internal/layer"
)

// Policy says how many replicas must have a file for a write to succeed.
type Policy string

const (
	// PolicyAll wants all of them. It is the default.
	PolicyAll Policy = "all"

	// PolicyQuorum wants more than half: two of three.
	PolicyQuorum Policy = "quorum"

	// PolicyBestEffort wants one.
	PolicyBestEffort Policy = "best-effort"
)

// needs returns how many replicas must have a file.
func (p Policy) needs(replicas int) int {
	switch p {
	case PolicyQuorum:
		return replicas/2 + 1
	case PolicyBestEffort:
		return 1
	}
	return replicas
}

// Config says which replicas there are.
type Config struct {
	// Others are the clients beside the next one. At least one is needed, each of
	// a store or a path of its own: two of the same would overwrite each other's
	// files.
	Others []ltxstore.ReplicaClient `ltx:"replicas,kind=list,secret" default:"required" help:"The further replicas, in a file: a list of URLs, or of maps as a replica has them. 'mirror: [URL, …]' is short for it."`

	// Policy says how many replicas must have a file. Empty means PolicyAll.
	Policy Policy `ltx:"policy,oneof=all|quorum|best-effort" default:"'all'" help:"How many replicas must have a file: 'all', 'quorum' or 'best-effort'."`

	// Backoff is for how long a replica that has failed is asked last; it doubles with
	// each further failure, to MaxBackoff. 0 means a second, and a minute.
	Backoff    time.Duration `ltx:"backoff" default:"1s" help:"For how long a replica that has failed is asked last; twice as long each time."`
	MaxBackoff time.Duration `ltx:"max-backoff" default:"1m" help:"The bound of that."`

	// OnFailure, if not nil, is told of each failure that did not fail the method:
	// a write that the policy is content with, a read that another replica has
	// answered. It may be called from several goroutines, and should return soon.
	OnFailure func(Failure) `ltx:"-"`
}

// check returns what is wrong with the configuration itself, of a client of that Type.
func (cfg Config) check(typeName string) error {
	if err := settings.Validate(typeName, cfg); err != nil {
		return err
	}
	base, longest := cfg.backoff()
	switch {
	case len(cfg.Others) == 0:
		return backend.Invalid(typeName, "init", "Others", len(cfg.Others), "want at least one more replica")
	case longest < base:
		return backend.Invalid(typeName, "init", "MaxBackoff", cfg.MaxBackoff, fmt.Sprintf("want 0 (default) or at least Backoff, %v", base))
	}
	return nil
}

func (cfg Config) backoff() (base, longest time.Duration) {
	base = cmp.Or(cfg.Backoff, time.Second)
	return base, cmp.Or(cfg.MaxBackoff, max(time.Minute, base))
}

// open refuses what is wrong, and fills in the defaults.
func (cfg Config) open(next ltxstore.ReplicaClient) (*state, error) {
	if err := layer.Absent(next, "init"); err != nil {
		return nil, err
	}
	if err := cfg.check(next.Type()); err != nil {
		return nil, err
	}
	all := append([]ltxstore.ReplicaClient{next}, cfg.Others...)
	writes := cfg.Policy.needs(len(all))
	base, longest := cfg.backoff()
	s := &state{writes: writes, reads: len(all) - writes + 1, onFailure: cfg.OnFailure}
	for n, client := range all {
		if client == nil {
			return nil, backend.Invalid(next.Type(), "init", fmt.Sprintf("Others[%d]", n-1), nil, "want a client")
		}
		for _, before := range all[:n] {
			if same(before, client) {
				return nil, backend.Invalid(next.Type(), "init", fmt.Sprintf("Others[%d]", n-1), client.Type(), "want another client than those before")
			}
		}
		s.replicas = append(s.replicas, &replica{n: n, client: client, base: base, longest: longest})
	}
	return s, nil
}

// same reports that two clients are one.
func same(a, b ltxstore.ReplicaClient) bool {
	return reflect.TypeOf(a).Comparable() && reflect.TypeOf(b).Comparable() && a == b
}
