package mirror

import (
	"cmp"
	"fmt"
	"reflect"
	"time"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/backend"
	"github.com/ltxstore/ltxstore/wrap/internal/layer"
)

// Policy says how many replicas must have a file for a write to succeed.
type Policy string

const (
	// PolicyAll wants all of them. It is the default.
	PolicyAll Policy = "all"

	// PolicyQuorum wants more than half: two of three.
	PolicyQuorum Policy = "quorum"

	// PolicyBestEffort wants one. What the others lack is there again after
	// Client.Repair.
	PolicyBestEffort Policy = "best-effort"
)

// needs returns of how many replicas a write needs success.
func (p Policy) needs(replicas int) (int, bool) {
	switch p {
	case PolicyAll, "":
		return replicas, true
	case PolicyQuorum:
		return replicas/2 + 1, true
	case PolicyBestEffort:
		return 1, true
	}
	return 0, false
}

// Config says which replicas there are.
type Config struct {
	// Others are the clients beside the next one. At least one is needed, each of
	// a store or a path of its own: two of the same would overwrite each other's
	// files.
	Others []ltxstore.ReplicaClient `ltx:"replicas,kind=list,secret" default:"required" help:"The further replicas, in a file: a list of URLs, or of maps as a replica has them. 'mirror: [URL, …]' is short for it."`

	// Policy says how many replicas must have a file. Empty means PolicyAll.
	Policy Policy `ltx:"policy" default:"'all'" help:"How many replicas must have a file: 'all', 'quorum' or 'best-effort'."`

	// CopyDamaged has Repair copy LTX files as they are, whole or not.
	CopyDamaged bool `ltx:"-"`

	// Backoff is for how long a replica that has failed is asked last; it doubles with
	// each further failure, to MaxBackoff. 0 means a second, and a minute.
	Backoff    time.Duration `ltx:"backoff" default:"1s" help:"For how long a replica that has failed is asked last; twice as long each time."`
	MaxBackoff time.Duration `ltx:"max-backoff" default:"1m" help:"The bound of that."`

	// OnFailure, if not nil, is told of each failure that did not fail the method:
	// a write that the policy is content with, a read that another replica has
	// answered. It may be called from several goroutines, and should return soon.
	OnFailure func(Failure) `ltx:"-"`
}

// check refuses what is wrong in itself, of a client of that Type.
func (cfg Config) check(typeName string) error {
	invalid := func(field string, value any, want string) error {
		return backend.Invalid(typeName, "init", field, value, want)
	}
	_, known := cfg.Policy.needs(1)
	base, longest := cfg.backoff()
	switch {
	case len(cfg.Others) == 0:
		return invalid("Others", len(cfg.Others), "want another replica at least")
	case !known:
		return invalid("Policy", string(cfg.Policy), "want all, quorum or best-effort")
	case cfg.Backoff < 0:
		return invalid("Backoff", cfg.Backoff, "want 0 (default) or more")
	case cfg.MaxBackoff < 0 || longest < base:
		return invalid("MaxBackoff", cfg.MaxBackoff, fmt.Sprintf("want 0 (default) or at least Backoff, %v", base))
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
	writes, _ := cfg.Policy.needs(len(all))
	base, longest := cfg.backoff()
	s := &state{writes: writes, reads: len(all) - writes + 1, onFailure: cfg.OnFailure, copyDamaged: cfg.CopyDamaged}
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
