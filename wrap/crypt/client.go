// Package crypt stores LTX files encrypted with age
// (https://age-encryption.org/v1), to native keys: X25519 ("age1…",
// "AGE-SECRET-KEY-1…") and hybrid ("age1pq1…", "AGE-SECRET-KEY-PQ-1…").
//
// # Files
//
// Every file is an ordinary age file: the age program decrypts it with an
// identity. What the age program encrypted, to a recipient of ours and without
// armor, is read too. A file that is not encrypted is never read: that is
// ErrChecksum. A range decrypts the chunks of 64 KiB that it touches.
//
// The header of a file that is written here has Config.HeaderSize bytes, whoever
// the recipients are, so that a file's size follows from its stored size without
// a request. The filling is a further stanza, which other programs skip:
//
//	-> ltxstore-v1 LEVEL MIN-MAX.ltx TIME FILLING
//
// The filling is a CRC-32C of the header before it, in 8 hex digits, and zeros. The
// stanza also binds the file to its name. The header's MAC, which takes an identity
// to check and the file's own key to make, covers it.
//
// # What is protected
//
// The store, and who can read it, see the files' names, their sizes, when they
// were written, and the TIME, in milliseconds, of an LTX file, but nothing of
// their content. That a file was changed, cut off, or is another file of this or
// another replica under a name that it was not written as, is detected when it is
// read: ErrChecksum. Three things are not detected. An older version of the same
// file may be put back. A file may be missing. And age does not sign: who knows a
// recipient can encrypt a file to it, and say what name it has. A file of the age
// program is bound to its name only by the transactions in its LTX header, which
// are compared when it is read from the beginning.
//
// # Rotation
//
// Add the new identity wherever files are read, then write to the new recipient.
// Old files are read with the old identity, for as long as there are any. Writing
// to both recipients for a while lets readers change one by one. Hybrid and X25519
// recipients cannot be mixed in one file, which would give away what the hybrid
// one protects; identities can.
package crypt

import (
	"context"
	"io"
	"log/slog"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/backend"
	"github.com/ltxstore/ltxstore/internal/flow"
	"github.com/ltxstore/ltxstore/wrap/internal/codec"
	"github.com/ltxstore/ltxstore/wrap/internal/layer"
)

var (
	_ ltxstore.ReplicaClient = (*Client)(nil)
	_ ltxstore.Initializer   = (*Client)(nil)
	_ ltxstore.LoggerSetter  = (*Client)(nil)
	_ backend.Locator        = (*Client)(nil)
	_ backend.Unwrapper      = (*Client)(nil)
	_ io.Closer              = (*Client)(nil)
)

// Client is a replica whose files are stored encrypted. It is made by New and
// safe for concurrent use.
type Client struct {
	next  ltxstore.ReplicaClient
	check func(typ string) (*setup, error) // holds the Config: fmt looks into no function
	ready flow.Lazy[setup]
}

// New returns a client that encrypts what goes to next. It sends nothing and
// cannot fail: Init, which every method calls, tells what is wrong with cfg.
func New(next ltxstore.ReplicaClient, cfg Config) *Client {
	return &Client{next: layer.Next(next), check: cfg.check}
}

// Unwrap returns the next client.
func (c *Client) Unwrap() ltxstore.ReplicaClient { return c.next }

// Type returns the next client's.
func (c *Client) Type() string { return c.next.Type() }

// Location returns the next client's, marked as that of a client that encrypts.
func (c *Client) Location(ctx context.Context) (string, error) {
	return layer.Location(ctx, "crypt", c.next)
}

// Init checks the configuration and initializes the next client. A bad field is
// fs.ErrInvalid. No error shows an identity.
func (c *Client) Init(ctx context.Context) error {
	if _, err := c.init(ctx); err != nil {
		return err
	}
	return ltxstore.Init(ctx, c.next)
}

// SetLogger directs the next client's log. The wrapper itself logs nothing.
func (c *Client) SetLogger(logger *slog.Logger) { layer.SetLogger(c.next, logger) }

// Close closes the next client.
func (c *Client) Close() error { return ltxstore.Close(c.next) }

// init is how every method begins: it fails under a context already done.
func (c *Client) init(ctx context.Context) (*setup, error) {
	s, err := c.ready.Get(ctx, func(context.Context) (*setup, error) { return c.check(c.Type()) })
	return s, codec.WrapCall(c.next, "init", err)
}
