package crypt

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"

	"filippo.io/age"
	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore/backend"
	"github.com/ltxstore/ltxstore/wrap/internal/codec"
)

// WriteLTXFile implements ltxstore.ReplicaClient. It costs what the next client's
// does for Config.HeaderSize + 16 bytes more, and 16 for each 64 KiB. Without
// Config.Recipients it is errors.ErrUnsupported.
//
// No two encryptions of one body are the same. When the next client refuses to
// replace a file (WriteOnce), the stored one is read back, decrypted and
// compared; without Config.Identities the refusal stands.
func (c *Client) WriteLTXFile(ctx context.Context, level int, minTXID, maxTXID ltx.TXID, r io.Reader) (*ltx.FileInfo, error) {
	if err := backend.CheckFile(level, minTXID, maxTXID); err != nil {
		return nil, codec.WrapCall(c.next, "write", err)
	}
	if r == nil {
		return nil, backend.Invalid(c.Type(), "write", "r", r, "want a body")
	}
	s, err := c.init(ctx)
	if err != nil {
		return nil, err
	}
	f := codec.File{Level: level, MinTXID: minTXID, MaxTXID: maxTXID}
	info, err := c.write(ctx, s, f, r)
	return info, codec.Wrap(c.next, "write", f, err)
}

var errNoRecipients = fmt.Errorf("no recipient to write to: want Config.Recipients (setting crypt.recipients): %w", errors.ErrUnsupported)

func (c *Client) write(ctx context.Context, s *setup, f codec.File, r io.Reader) (*ltx.FileInfo, error) {
	if len(s.recipients) == 0 {
		return nil, errNoRecipients
	}
	src, err := codec.NewSource(ctx, f, r)
	if err != nil {
		return nil, err
	}
	body, err := age.EncryptReader(src, &bound{
		recipients: s.recipients,
		binding:    binding{file: f, time: src.Time, isLTX: src.IsLTX},
		size:       s.headerSize,
	})
	if err != nil {
		return nil, fmt.Errorf("age: %w", err)
	}
	s.forget(f)
	stored, err := c.next.WriteLTXFile(ctx, f.Level, f.MinTXID, f.MaxTXID, codec.Sized(body, storedSize(src.Length, s.headerSize)))
	switch {
	case errors.Is(err, fs.ErrExist):
		return c.settle(ctx, s, f, src, err)
	case err != nil:
		return nil, err
	}
	if err := src.Ended(); err != nil {
		return nil, err
	}
	known := &seen{length: stored.Size, at: stored.CreatedAt, size: src.Size, time: src.Time, isLTX: src.IsLTX, timed: true}
	s.files.Put(f, known, seenMemory)
	return known.describe(f), nil
}

// settle answers for a name that is taken: the same body is success (clause W6).
func (c *Client) settle(ctx context.Context, s *setup, f codec.File, src *codec.Source, refused error) (*ltx.FileInfo, error) {
	if len(s.identities) == 0 {
		return nil, refused
	}
	same, err := src.Equals(func() (io.ReadCloser, error) { return c.open(ctx, s, f, 0, 0) })
	switch {
	case err != nil:
		return nil, errors.Join(refused, err)
	case !same:
		return nil, refused
	}
	listed, err := codec.Stat(ctx, c.next, f)
	if err != nil {
		return nil, err
	}
	known := &seen{length: listed.Size, at: listed.CreatedAt, size: src.Size, time: src.Time, isLTX: src.IsLTX, timed: true}
	return known.describe(f), nil
}
