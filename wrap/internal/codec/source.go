package codec

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"io"
	"time"

	"github.com/ltxstore/ltxstore/internal/flow"
	"github.com/ltxstore/ltxstore/internal/ltxio"
	"github.com/ltxstore/ltxstore/wrap/internal/layer"
)

// Source is the caller's body on its way through a wrapper. It ends with the
// context, is not read again after it has failed or ended, and is summed, so
// that it can be compared with what is stored already.
type Source struct {
	// Time is the timestamp in the LTX header, if IsLTX.
	Time  time.Time
	IsLTX bool

	// Size is how many bytes were read, and Length how many there are, as far as
	// that can be told beforehand, else -1.
	Size, Length int64

	r     io.Reader
	err   error
	empty int
	sum   maphash.Hash
}

// NewSource looks at the body's header. The errors are those of ltxio.Peek, and
// ctx's: under a context already done nothing is read.
func NewSource(ctx context.Context, f layer.File, r io.Reader) (*Source, error) {
	if err := flow.Err(ctx); err != nil {
		return nil, err
	}
	body, err := ltxio.Peek(ctx, r, f.MinTXID, f.MaxTXID)
	if err != nil {
		return nil, err
	}
	s := &Source{IsLTX: body.IsLTX, Length: body.Size, r: body.Reader}
	if s.IsLTX {
		s.Time = body.Time()
	}
	return s, nil
}

// Read implements io.Reader.
func (s *Source) Read(p []byte) (int, error) {
	if s.err != nil {
		return 0, s.err
	}
	n, err := s.r.Read(p)
	switch {
	case n < 0 || n > len(p):
		n, err = 0, fmt.Errorf("body's reader returned an impossible count: %d of %d bytes", n, len(p))
	case n > 0:
		s.empty = 0
	case err == nil && len(p) > 0:
		if s.empty++; s.empty > flow.MaxEmptyReads {
			err = io.ErrNoProgress
		}
	}
	s.Size += int64(n)
	_, _ = s.sum.Write(p[:n])
	s.err = err
	return n, err
}

// Ended returns nil when the body was read to its end, as the client must have
// done that reports success.
func (s *Source) Ended() error {
	if s.err == io.EOF {
		return nil
	}
	return fmt.Errorf("the client that stores the body reports success after %d bytes, before its end", s.Size)
}

// Equals reads the rest of the source and reports whether open yields the same
// bytes as it did from the beginning. It settles a write that was refused
// because the name is taken (clause W6): what a wrapper stores of one body is
// not the same bytes each time, so that the client inside cannot tell.
func (s *Source) Equals(open func() (io.ReadCloser, error)) (bool, error) {
	if _, err := io.Copy(io.Discard, s); err != nil {
		return false, err
	}
	stored, err := open()
	if err != nil {
		return false, err
	}
	var sum maphash.Hash
	sum.SetSeed(s.sum.Seed())
	n, err := io.Copy(&sum, io.LimitReader(stored, s.Size+1))
	if err = errors.Join(err, stored.Close()); err != nil {
		return false, err
	}
	return n == s.Size && sum.Sum64() == s.sum.Sum64(), nil
}
