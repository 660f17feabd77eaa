package mirror

import (
	"cmp"
	"fmt"
	"reflect"
	"time"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/backend"
	"github.com/ltxstore/ltxstore/backend/oplog"
	"github.com/ltxstore/ltxstore/backend/settings"
)

// Policy says how many replicas must store a file for a write to succeed.
type Policy string

const (
	// PolicyAll requires all replicas. It is the default.
	PolicyAll Policy = "all"

	// PolicyQuorum requires more than half, such as two of three.
	PolicyQuorum Policy = "quorum"

	// PolicyBestEffort requires one replica.
	PolicyBestEffort Policy = "best-effort"
)

// needs returns how many of the replicas the policy requires.
func (p Policy) needs(replicas int) int {
	switch p {
	case PolicyQuorum:
		return replicas/2 + 1
	case PolicyBestEffort:
		return 1
	}
	return replicas
}

// Config is the configuration of a Client.
type Config struct {
	// Others are the clients of the further replicas, at least one. Each must have its own
	// store or path, because two in one place would overwrite each other's files.
	Others []ltxstore.ReplicaClient `ltx:"replicas,kind=list,secret" default:"required" help:"The further replicas, in a file: a list of URLs, or of maps as a replica has them. 'mirror: [URL, …]' is short for it."`

	// Policy says how many replicas must store a file. Empty means PolicyAll.
	Policy Policy `ltx:"policy,oneof=all|quorum|best-effort" default:"'all'" help:"How many replicas must store a file: 'all', 'quorum' or 'best-effort'."`

	// Backoff is for how long a replica that has failed is tried last. 0 means 30 seconds.
	Backoff time.Duration `ltx:"backoff" default:"30s" help:"For how long a replica that has failed is tried last."`

	// OnFailure, if not nil, is called with each failure of a replica that did not make
	// the method fail. It may be called concurrently, and should return quickly.
	OnFailure func(Failure) `ltx:"-"`
}

// check reports an invalid configuration, but not invalid clients.
func (cfg Config) check(typeName string) error {
	if err := settings.Validate(typeName, cfg); err != nil {
		return err
	}
	if len(cfg.Others) == 0 {
		return backend.Invalid(typeName, "init", "Others", len(cfg.Others), "want at least one more replica")
	}
	return nil
}

// open returns the state of a valid configuration.
func (cfg Config) open(next ltxstore.ReplicaClient, log *oplog.Logger) (*state, error) {
	if err := cfg.check(next.Type()); err != nil {
		return nil, err
	}
	all := append([]ltxstore.ReplicaClient{next}, cfg.Others...)
	writes := cfg.Policy.needs(len(all))
	s := &state{next: next, log: log, writes: writes, reads: len(all) - writes + 1, onFailure: cfg.OnFailure}
	for n, client := range all {
		if client == nil {
			return nil, backend.Invalid(next.Type(), "init", fmt.Sprintf("Others[%d]", n-1), nil, "want a client")
		}
		for _, before := range all[:n] {
			if same(before, client) {
				return nil, backend.Invalid(next.Type(), "init", fmt.Sprintf("Others[%d]", n-1), client.Type(), "want a different client than those before")
			}
		}
		s.replicas = append(s.replicas, &replica{n: n, client: client, backoff: cmp.Or(cfg.Backoff, 30*time.Second)})
	}
	return s, nil
}

// same reports whether two clients are the same.
func same(a, b ltxstore.ReplicaClient) bool {
	return reflect.TypeOf(a).Comparable() && a == b
}
