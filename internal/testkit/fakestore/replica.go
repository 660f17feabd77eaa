package fakestore

import (
	"context"
	"errors"
	"path"
	"strings"

	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/backend"
	"github.com/ltxstore/ltxstore/internal/testkit/httpfault"
	"github.com/ltxstore/ltxstore/testing/replicatest"
)

// Fake has the methods that all fakes have.
type Fake interface {
	Put(bucket, key string, body []byte)
	Keys(bucket string) []string
	Strip(bucket, key string) bool
}

// Replica is a replica in a fake, for clients that a Config C describes.
type Replica[C any] struct {
	Fake  Fake
	Layer *httpfault.Layer
	Keys  backend.Keys // relative to the replica's path

	// Config is the configuration of the client under test, New makes a client, and
	// Fields returns the fields that the suite varies.
	Config C
	New    func(C) ltxstore.ReplicaClient
	Fields func(*C) (bucket, path *string, writeOnce *bool)

	// Uploads returns the keys of unfinished uploads, and Begin leaves one. They
	// are nil if the service does not list them.
	Uploads func(bucket string) []string
	Begin   func(bucket, key string)

	// FailDeletes fails the deletion of the keys for which match is true.
	FailDeletes func(match func(key string) bool)

	// Read is the operation that reads a file. Lookups are failures of requests
	// about one file. Page matches requests for a further page, and PageFails is how
	// these fail.
	Read      string
	Lookups   map[string]httpfault.Effect
	Page      httpfault.Match
	PageFails httpfault.Effect
}

// Store returns the replica for the suite. close releases the fake.
func (r Replica[C]) Store(close func() error) replicatest.Store {
	open := func(change func(bucket, path *string, writeOnce *bool)) (ltxstore.ReplicaClient, error) {
		cfg := r.Config
		change(r.Fields(&cfg))
		return r.New(cfg), nil
	}
	return replicatest.Store{
		Client:  r.New(r.Config),
		Another: func() (ltxstore.ReplicaClient, error) { return r.New(r.Config), nil },
		Once: func() (ltxstore.ReplicaClient, error) {
			return open(func(_, _ *string, writeOnce *bool) { *writeOnce = true })
		},
		Sibling: func(suffix string) (ltxstore.ReplicaClient, error) {
			return open(func(_, path *string, _ *bool) { *path += suffix })
		},
		Parent: func() (ltxstore.ReplicaClient, error) {
			return open(func(_, at *string, _ *bool) { *at = path.Dir(*at) })
		},
		Missing: func() (ltxstore.ReplicaClient, error) {
			return open(func(bucket, _ *string, _ *bool) { *bucket = "no-such-bucket" })
		},
		Requests: r.Layer.Requests,
		Raw:      r.raw(),
		Faults:   r.faults(),
		Close:    close,
	}
}

// place returns the bucket, and the prefix of the replica's keys.
func (r Replica[C]) place() (bucket, prefix string) {
	at, dir, _ := r.Fields(&r.Config)
	return *at, *dir + "/"
}

func (r Replica[C]) raw() *replicatest.Raw {
	bucket, prefix := r.place()
	raw := &replicatest.Raw{
		Keys: r.Keys,
		Put: func(_ context.Context, key string, body []byte) error {
			r.Fake.Put(bucket, prefix+key, body)
			return nil
		},
		List: func(context.Context) ([]string, error) {
			return Names(prefix, r.Fake.Keys(bucket), r.Uploads(bucket)), nil
		},
		Strip: func(_ context.Context, key string) error {
			if !r.Fake.Strip(bucket, prefix+key) {
				return errors.New("no such object")
			}
			return nil
		},
	}
	if r.Begin != nil {
		raw.Leave = func(context.Context) error {
			r.Begin(bucket, prefix+r.Keys.File(0, 77, 77))
			return nil
		}
	}
	return raw
}

// Names returns the objects and the marked unfinished uploads below a prefix, as
// replicatest.Raw.List does.
func Names(prefix string, objects, uploads []string) (names []string) {
	add := func(keys []string, mark string) {
		for _, key := range keys {
			if name, ok := strings.CutPrefix(key, prefix); ok {
				names = append(names, mark+name)
			}
		}
	}
	add(objects, "")
	add(uploads, "upload:")
	return names
}

func (r Replica[C]) faults() *replicatest.Faults {
	_, prefix := r.place()
	always := func(match httpfault.Match, do httpfault.Effect) {
		r.Layer.Add(&httpfault.Rule{Match: match, Times: -1, Do: do})
	}
	read := httpfault.Match{Operation: r.Read}
	return &replicatest.Faults{
		Lookups: func() {
			for operation, effect := range r.Lookups {
				always(httpfault.Match{Operation: operation}, effect)
			}
		},
		Lists: func() { always(r.Page, r.PageFails) },
		Cut:   func(n int64) { always(read, httpfault.Truncate(n)) },
		Stall: func(n int64) { always(read, httpfault.StallAfter(n)) },
		Deletes: func(match func(level int, minTXID, maxTXID ltx.TXID) bool) {
			r.FailDeletes(func(key string) bool {
				name, _ := strings.CutPrefix(key, prefix)
				level, minTXID, maxTXID, ok := r.Keys.Parse(name)
				return ok && match(level, minTXID, maxTXID)
			})
		},
		Unreachable: func() { always(httpfault.Match{}, httpfault.Refuse()) },
	}
}
