package body

import (
	"io"

	"github.com/ltxstore/ltxstore/internal/ctxio"
)

// more tells whether r has ended, and returns a reader of what is left.
func more(r io.Reader) (end bool, rest io.Reader, err error) {
	var next [1]byte
	switch _, err := io.ReadFull(&patient{r: r}, next[:]); {
	case err == io.EOF:
		return true, nil, nil
	case err != nil:
		return false, nil, err
	}
	return false, &prepended{next: next[:], rest: r}, nil
}

// patient bounds how often a reader may return nothing.
type patient struct {
	r     io.Reader
	empty int
}

func (p *patient) Read(b []byte) (int, error) {
	n, err := p.r.Read(b)
	if n == 0 && err == nil {
		if p.empty++; p.empty > ctxio.MaxEmptyReads {
			err = io.ErrNoProgress
		}
	}
	return n, err
}

// prepended yields bytes that were read too early, then the rest.
type prepended struct {
	next []byte
	rest io.Reader
}

func (p *prepended) Read(b []byte) (int, error) {
	if len(p.next) == 0 {
		return p.rest.Read(b)
	}
	n := copy(b, p.next)
	p.next = p.next[n:]
	return n, nil
}
