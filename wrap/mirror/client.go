// Package mirror keeps a replica in several stores.
//
// # Writing
//
// Every file is written to all replicas concurrently. Config.Policy says how many must
// succeed. Failures are in the error, or, if enough replicas succeeded, in the log and
// passed to Config.OnFailure. If too many replicas fail for the write to succeed, it is
// stopped in the others. After a failed write some replicas may have the file, and it is
// listed: write it again, or delete it. That is as after a lost answer (clause W3). Two
// clients that write one name concurrently may leave different versions in the replicas
// (clause W6): a replica has one writer.
//
// A body with ReadAt and Seek, such as a file, is read by each replica on its own, and so is
// one of less than 64 KiB, which is kept in memory. Any other body is read once and sent to all
// replicas, 64 KiB at a time, at the speed of the slowest.
//
// Deletions must succeed in all replicas, whatever the policy, because a file left
// in one of them is still listed.
//
// # Reading
//
// A file is read from the first replica that is healthy and has it, in the order of the
// configuration. Replicas that have failed lately come last, for Config.Backoff to
// MaxBackoff. A transfer that breaks is continued from the next replica that has the file, if
// the last bytes delivered are the same there.
//
// A file is missing only if all replicas say so; if one that may have it fails, that
// failure is returned (clause O2). A listing has each file that any replica
// lists, once. It needs so many replicas that it has every successfully written file: one
// with PolicyAll, all with PolicyBestEffort. With fewer it fails.
//
// # Repair
//
// After an outage, or to add a replica, [github.com/ltxstore/ltxstore/transfer.Run] copies what one of
// Client.Replicas lacks from each of the others. It verifies LTX files, so that a damaged
// one is copied from a replica that has it whole. See the package example.
//
// Init, SetLogger and Close act on all replicas. Unwrap returns the first, so that
// [github.com/ltxstore/ltxstore.As] finds its interfaces only; see Client.Replicas for the others.
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

// Client is a replica in several stores. New returns one. It is safe for concurrent use.
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
	writes    int // replicas that must succeed in writing
	reads     int // replicas that together list every file
	onFailure func(Failure)
	writing   nameLocks
}

// New returns a client of next and Config.Others. It sends no request and does not fail.
// If cfg is invalid, Init and every other method fail with fs.ErrInvalid.
func New(next ltxstore.ReplicaClient, cfg Config) *Client {
	cfg.Others = slices.Clone(cfg.Others)
	b := layer.NewBase(next, "", func(_ context.Context, next ltxstore.ReplicaClient) (*state, error) { return cfg.open(next) })
	return &Client{base: b, next: b.Unwrap(), given: cfg}
}

// Replicas returns the clients of all replicas, that of Unwrap first.
func (c *Client) Replicas() []ltxstore.ReplicaClient {
	return append([]ltxstore.ReplicaClient{c.next}, c.given.Others...)
}

// Location returns the locations of all replicas. It is empty if one of them has none.
func (c *Client) Location(ctx context.Context) (string, error) {
	return layer.Location(ctx, "mirror", c.Replicas()...)
}

// Init checks the configuration and initializes all replicas. It fails if the configuration of
// one is invalid, or if more fail than the policy allows for a write.
func (c *Client) Init(ctx context.Context) error {
	s, err := layer.Begin(ctx, c.base, "init", nil)
	if err != nil {
		return err
	}
	wrong := make([]error, len(s.replicas))
	err = c.change(ctx, s, "init", layer.File{}, s.writes, func(ctx context.Context, r *replica) error {
		err := ltxstore.Init(ctx, r.client)
		if errors.Is(err, fs.ErrInvalid) {
			wrong[r.n] = err // not an outage, which the policy is for
		}
		return err
	})
	return cmp.Or(err, layer.Wrap(c.next, "init", "", errors.Join(wrong...)))
}

// SetLogger sets the logger of all replicas, and of failures that the policy allows.
func (c *Client) SetLogger(logger *slog.Logger) {
	c.log.Set(logger)
	for _, client := range c.Replicas() {
		if client != nil {
			layer.SetLogger(client, logger)
		}
	}
}

// Close closes all replicas.
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

// keyOf returns the name of a file for an error, or nothing.
func keyOf(f layer.File) string {
	if f == (layer.File{}) {
		return ""
	}
	return f.String()
}

// failed reports a failure that the policy allows.
func (c *Client) failed(ctx context.Context, s *state, f Failure) {
	c.log.Get().LogAttrs(ctx, slog.LevelWarn, "replica of a mirror failed", slog.String("op", f.Op), slog.Int("number", f.Replica),
		slog.String("replica", f.Type), slog.Int("level", f.Level), slog.String("minTXID", f.MinTXID.String()),
		slog.String("maxTXID", f.MaxTXID.String()), slog.Any("error", f.Err))
	if s.onFailure != nil {
		s.onFailure(f)
	}
}

// end returns the error of a method: that of ctx if it is done.
func (c *Client) end(ctx context.Context, op, key string, err error) error {
	if stopped := flow.Err(ctx); stopped != nil && err != nil {
		err = stopped
	}
	return layer.Wrap(c.next, op, key, err)
}
