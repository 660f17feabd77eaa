// Package mirror keeps a replica in several stores.
//
// # Writing
//
// Every file is written to all replicas concurrently. Config.Policy says how many must
// succeed. Failures are in the error, or, if enough replicas succeeded, in the log and
// passed to Config.OnFailure. If too many fail for the write to succeed, it is stopped in the
// others. After a failed write some replicas may have the file, and it is listed, as after a lost answer
// (clause W3): write it again, or delete it. A replica has one writer: two clients that write one name
// concurrently may leave different versions in the stores (clause W6).
//
// An *os.File, *bytes.Reader or *strings.Reader is read by each replica on its own, and so is a body
// of less than 64 KiB, which is kept in memory. Any other body is read once and sent to all
// replicas, 64 KiB at a time, at the speed of the slowest.
//
// Deletions must succeed in all replicas, whatever the policy, because a file left
// in one of them is still listed.
//
// # Reading
//
// A file is read from the first replica that is healthy and has it, in the order of the
// configuration. Replicas that have failed lately come last, for Config.Backoff. A transfer that breaks is continued from the next replica that has the file, if
// the last KiB delivered is the same there. A file is missing only if all replicas say so; if one
// that may have it fails, that failure is returned (clause O2).
//
// A listing merges those of the healthy replicas, or of all if too few are healthy. It needs so
// many that it has every successfully written file: one with PolicyAll, all with
// PolicyBestEffort. With fewer it fails.
//
// # Repair
//
// After an outage, or to add a replica, [github.com/ltxstore/ltxstore/transfer.Run] copies what one of
// Client.Replicas lacks from each of the others. It verifies LTX files, so that a damaged
// one is copied from a replica that has it whole. See the package example.
//
// Unwrap returns the first replica, so that [github.com/ltxstore/ltxstore.As] finds its interfaces
// only; see Client.Replicas for the others.
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
	"github.com/ltxstore/ltxstore/wrap/internal/layer"
)

var _ ltxstore.ReplicaClient = (*Client)(nil)

// Client is a replica in several stores. New returns one. It is safe for concurrent use.
//
// WriteLTXFile returns the file as the first successful replica has it, and fails with
// ltxstore.ErrChecksum if they have stored different numbers of bytes. Writers of one name wait for
// each other.
type Client struct {
	*client
	given Config
	log   oplog.Logger
}

type client = layer.Client[state, *state]

// state is what a valid configuration has become: the layer.Operations of a Client.
type state struct {
	next      ltxstore.ReplicaClient
	log       *oplog.Logger
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
	c := &Client{given: cfg}
	c.client = layer.New(next, func(_ context.Context, next layer.Next) (*state, error) { return cfg.open(next.Client, &c.log) })
	return c
}

// Replicas returns the clients of all replicas, that of Unwrap first.
func (c *Client) Replicas() []ltxstore.ReplicaClient {
	return append([]ltxstore.ReplicaClient{c.Unwrap()}, c.given.Others...)
}

// Init checks the configuration and initializes all replicas. It fails if the configuration of
// one is invalid, or if more fail than the policy allows for a write.
func (c *Client) Init(ctx context.Context) error {
	s, err := c.Begin(ctx, "init", nil)
	if err != nil {
		return err
	}
	wrong := make([]error, len(s.replicas))
	err = s.change(ctx, "init", layer.File{}, s.writes, func(ctx context.Context, r *replica) error {
		err := ltxstore.Init(ctx, r.client)
		if errors.Is(err, fs.ErrInvalid) {
			wrong[r.n] = err // not an outage, which the policy is for
		}
		return err
	})
	return c.Wrap("init", cmp.Or(err, errors.Join(wrong...)))
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
	return c.Wrap("close", &Error{Failed: failed, Replicas: len(c.given.Others) + 1})
}

// failed reports a failure that the policy allows.
func (s *state) failed(ctx context.Context, f Failure) {
	s.log.Get().LogAttrs(ctx, slog.LevelWarn, "replica of a mirror failed", slog.String("op", f.Op), slog.Int("number", f.Replica),
		slog.String("replica", f.Type), slog.Int("level", f.Level), slog.String("minTXID", f.MinTXID.String()),
		slog.String("maxTXID", f.MaxTXID.String()), slog.Any("error", f.Err))
	if s.onFailure != nil {
		s.onFailure(f)
	}
}
