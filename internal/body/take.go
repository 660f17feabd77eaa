package body

import (
	"io"

	"github.com/ltxstore/ltxstore/internal/ltxio"
)

// Taken is a body of which it is known whether it fits one request.
type Taken struct {
	// Whole is the body, if it can be read in place, as often as it takes.
	Whole *InPlace

	// First holds the body's beginning where Whole is nil: all of it, if Rest
	// is nil too.
	First *Buffer

	// Rest is what follows First.
	Rest io.Reader

	// Fits means that the body has at most the limit's bytes, and that Open
	// yields it.
	Fits bool
}

// Take looks at the body of a Source's Reader. What cannot be read in place is
// buffered, at most limit bytes of it. Free must be called in any case.
func Take(b *ltxio.Body, limit int64) (t Taken, err error) {
	if t.Whole, err = ReadInPlace(b.Source, b.Size); err != nil || t.Whole != nil {
		t.Fits = err == nil && t.Whole.Size() <= limit
		return t, err
	}
	t.First = NewBuffer()
	t.Fits, err = t.First.Fill(b.Reader, limit)
	if err == nil && !t.Fits {
		t.Fits, t.Rest, err = more(b.Reader)
	}
	return t, err
}

// Size returns the size of a body that fits.
func (t Taken) Size() int64 {
	if t.Whole != nil {
		return t.Whole.Size()
	}
	return t.First.Size()
}

// Open returns a reader of a body that fits, from its beginning. One may be
// opened after another, not beside it.
func (t Taken) Open() io.ReadSeeker {
	if t.Whole != nil {
		return t.Whole.Section(0, t.Whole.Size())
	}
	return t.First.Reader()
}

// Finish is called when the body was stored from Whole, or err tells why not:
// it leaves the caller's reader at its end, as reading it would. It returns err.
func (t Taken) Finish(err error) error {
	if t.Whole != nil {
		return t.Whole.Finish(err)
	}
	return err
}

// Free gives back what is buffered and was not drained.
func (t Taken) Free() {
	if t.First != nil {
		t.First.Free()
	}
}
