package codec

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"io"

	"github.com/ltxstore/ltxstore/internal/flow"
	"github.com/ltxstore/ltxstore/internal/ltxio"
	"github.com/ltxstore/ltxstore/wrap/internal/layer"
)

// Source reads the caller's body, as ltxio.Whole does, and sums it to compare it with a stored file.
type Source struct {
	// Timestamp is that in the LTX header, in milliseconds, or NotLTX.
	Timestamp int64

	// Size is the number of bytes read so far, and Length that of the whole body, or -1
	// if it is unknown.
	Size, Length int64

	r   io.Reader
	err error
	sum maphash.Hash
}

// NewSource reads the body's header. It fails as ltxio.Peek does, and reads nothing if ctx
// is done.
func NewSource(ctx context.Context, f layer.File, r io.Reader) (*Source, error) {
	if err := flow.Err(ctx); err != nil {
		return nil, err
	}
	body, err := ltxio.Peek(ctx, r, f.MinTXID, f.MaxTXID)
	if err != nil {
		return nil, err
	}
	s := &Source{Timestamp: NotLTX, Length: body.Size, r: body.Reader}
	if body.IsLTX {
		s.Timestamp = body.Header.Timestamp
	}
	return s, nil
}

// Read implements io.Reader.
func (s *Source) Read(p []byte) (int, error) {
	n, err := s.r.Read(p)
	s.Size += int64(n)
	_, _ = s.sum.Write(p[:n])
	s.err = err
	return n, err
}

// Ended reports a client that returned success although the body was not read to its end.
func (s *Source) Ended() error {
	if s.err == io.EOF {
		return nil
	}
	return fmt.Errorf("the next client reports success after %d bytes, before the body ended", s.Size)
}

// Equals reads the rest of the source and reports whether open returns the same body. A wrapper
// needs it for a write that was refused because the file exists (clause W6): the next
// client cannot compare them, because the stored form of a body is not always the same.
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
