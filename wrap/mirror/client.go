// Package mirror keeps a replica in several stores.
//
// # Writing
//
// Every file is written to all replicas at the same time. Config.Policy says how
// many must have it for a write to succeed; which failed is in the error, or, if
// enough succeeded, in the log and at Config.OnFailure. A body that has ReadAt and
// Seek (a file, bytes) is read by each replica on its own; any other is handed to all
// as it comes, so that the slowest decides, with a few chunks of 64 KiB in memory. A
// replica that fails does not stop the others, unless there cannot be enough any more:
// then they are stopped at once. Where a write fails, replicas that were done have the
// file, and it is listed: write it again, or delete it. That is as after an answer
// that was lost (clause W3). Two clients that write one name at the same time may each
// be the last in another replica (clause W6): a replica has one writer.
//
// Deletions must succeed in all replicas, whatever the policy: what is left in one is
// listed again.
//
// # Reading
//
// A file is read from the first replica that is healthy and has it, in the order
// in which they were given; those that have failed lately come last, for a second at
// first and a minute at most. A transfer that breaks is taken up by the next replica that
// has the file, if the last bytes that were delivered are the same there.
//
// A file is reported as missing only if every replica says so: a failure of one that
// may have it is returned as that failure (clause O2). A listing has each name that
// any replica lists, once. It needs so many replicas that every file is in it of which a
// write was successful: one with PolicyAll, all with PolicyBestEffort. With fewer it is an
// error.
//
// # Repair
//
// After an outage, or to add a replica, [transfer.Run] copies what one of Client.Replicas
// lacks from each of the others. It checks LTX files on their way, so that a damaged one
// is copied from another replica that has it whole; see the package's example.
//
// # Abilities
//
// Init, SetLogger and Close act on all replicas. Unwrap returns the first, so that its
// abilities, and its Type, are those that are found; the others are hidden: see
// Client.Replicas.
package mirror

import (
	"cmp"
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"slices"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/backend/oplog"
	"github.com/ltxstore/ltxstore/internal/flow"
	"github.com/ltxstore/ltxstore/wrap/internal/layer"
)

var _ ltxstore.ReplicaClient = (*Client)(nil)

// Client is a replica in several stores. It is made by New and safe for concurrent
// use.
type Client struct {
	*base
	next  ltxstore.ReplicaClient
	given Config
	log   oplog.Logger
}

type base = layer.Base[state]

// state is what a valid configuration has become.
type state struct {
	replicas  []*replica
	writes    int // how many must have a file
	reads     int // how many listings have every file
	onFailure func(Failure)
	turns     turns
}

// New returns a client of next and Config.Others together. It sends nothing and
// cannot fail: Init, which every method calls, tells what is wrong with cfg.
func New(next ltxstore.ReplicaClient, cfg Config) *Client {
	cfg.Others = slices.Clone(cfg.Others)
	b := layer.NewBase(next, "", func(_ context.Context, next ltxstore.ReplicaClient) (*state, error) { return cfg.open(next) })
	c := &Client{base: b, next: b.Unwrap(), given: cfg}
	return c
}

// Replicas returns all clients, the first of which is Unwrap's.
func (c *Client) Replicas() []ltxstore.ReplicaClient {
	return append([]ltxstore.ReplicaClient{c.next}, c.given.Others...)
}

// Location returns those of all clients together; it is empty if one of them is.
func (c *Client) Location(ctx context.Context) (string, error) {
	return layer.Location(ctx, "mirror", c.Replicas()...)
}

// Init checks the configuration and initializes all clients. It fails if one is
// configured wrongly, or more fail than the policy allows of a write.
func (c *Client) Init(ctx context.Context) error {
	s, err := layer.Begin(ctx, c.base, "init", nil)
	if err != nil {
		return err
	}
	wrong := make([]error, len(s.replicas))
	err = c.change(ctx, s, "init", layer.File{}, s.writes, func(ctx context.Context, r *replica) error {
		err := ltxstore.Init(ctx, r.client)
		if errors.Is(err, fs.ErrInvalid) {
			wrong[r.n] = err // no outage, which the policy is for
		}
		return err
	})
	return cmp.Or(err, layer.Wrap(c.next, "init", "", errors.Join(wrong...)))
}

// SetLogger directs the log of all clients, and that of failures which a policy
// allows.
func (c *Client) SetLogger(logger *slog.Logger) {
	c.log.Set(logger)
	for _, client := range c.Replicas() {
		if client != nil {
			layer.SetLogger(client, logger)
		}
	}
}

// Close closes all clients.
func (c *Client) Close() error {
	var failed []Failure
	for n, client := range c.Replicas() {
		if client == nil {
			continue
		}
		if err := ltxstore.Close(client); err != nil {
			failed = append(failed, Failure{Op: "close", Replica: n, Type: client.Type(), Err: err})
		}
	}
	if len(failed) == 0 {
		return nil
	}
	return layer.Wrap(c.next, "close", "", &Error{Failed: failed, Replicas: len(c.given.Others) + 1})
}

// keyOf names a file in an error, or nothing.
func keyOf(f layer.File) string {
	if f == (layer.File{}) {
		return ""
	}
	return f.String()
}

// failed notes a failure that the policy allows.
func (c *Client) failed(ctx context.Context, s *state, f Failure) {
	c.log.Get().LogAttrs(ctx, slog.LevelWarn, "replica of a mirror failed", slog.String("op", f.Op), slog.Int("number", f.Replica),
		slog.String("replica", f.Type), slog.Int("level", f.Level), slog.String("minTXID", f.MinTXID.String()),
		slog.String("maxTXID", f.MaxTXID.String()), slog.Any("error", f.Err))
	if s.onFailure != nil {
		s.onFailure(f)
	}
}

// end is the error of a method: ctx's, if that has ended.
func (c *Client) end(ctx context.Context, op, key string, err error) error {
	if stopped := flow.Err(ctx); stopped != nil && err != nil {
		err = stopped
	}
	return layer.Wrap(c.next, op, key, err)
}
