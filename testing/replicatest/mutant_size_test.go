package replicatest_test

import (
	"context"
	"io"
	"io/fs"
	"math"

	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore/internal/ltxio"
)

func sizeMutants() []mutant {
	return []mutant{
		{name: "stores what is left of a body", fails: []string{"write/size-shrinks*"},
			damage: onTold(func(told *toldReader) { told.mayEnd = true })},
		{name: "stores what has been added to a body", fails: []string{"write/size-grows*"},
			damage: onTold(func(told *toldReader) { told.mayGoOn = true })},
		{name: "reads more than a section", fails: []string{"write/readers", "write/size-shrinks*"},
			damage: onBody(func(r io.Reader) io.Reader {
				section, ok := r.(*io.SectionReader)
				if !ok {
					return r
				}
				outer, from, _ := section.Outer()
				return struct{ io.Reader }{io.NewSectionReader(outer, from, math.MaxInt64-from)}
			})},
		{name: "reads more than a limited reader", fails: []string{"write/readers"},
			damage: onBody(func(r io.Reader) io.Reader {
				if limited, ok := r.(*io.LimitedReader); ok {
					return limited.R
				}
				return r
			})},
		{name: "takes a reader that gives up for a bad body", fails: []string{"write/reader-outlives-context*", "write/cancelled-on-last-byte*"},
			damage: onWrite(func(_ *client, write writeFunc) writeFunc {
				return func(ctx context.Context, level int, minTXID, maxTXID ltx.TXID, r io.Reader) (*ltx.FileInfo, error) {
					ender := &toldReader{ctx: ctx, r: r, mayEnd: true, mayGoOn: true}
					info, err := write(ctx, level, minTXID, maxTXID, ender)
					if ender.ended && ctx.Err() != nil {
						err = fs.ErrInvalid
					}
					return info, err
				}
			})},
	}
}

// onAnyWrite is onWrite for what is wrong with the size of a body: other mutants
// hide the abilities of a reader, and are held to the size that it told.
func onAnyWrite(change func(c *client, write writeFunc) writeFunc) func(*client) {
	return func(c *client) { c.WriteLTXFileFunc = change(c, c.Default().WriteLTXFile) }
}

// heldToSize returns r, held to its size if it tells one.
func heldToSize(ctx context.Context, r io.Reader) io.Reader {
	size, err := ltxio.Size(r)
	if err != nil || size < 0 {
		return r
	}
	told := &toldReader{ctx: ctx, r: r, left: size}
	seeker, seeks := r.(io.Seeker)
	closer, closes := r.(io.Closer)
	switch {
	case seeks && closes:
		return struct {
			io.Reader
			io.Seeker
			io.Closer
		}{told, seeker, closer}
	case seeks:
		return struct {
			io.Reader
			io.Seeker
		}{told, seeker}
	}
	return told
}

// onBody writes another body.
func onBody(change func(io.Reader) io.Reader) func(*client) {
	return onAnyWrite(func(_ *client, write writeFunc) writeFunc {
		return func(ctx context.Context, level int, minTXID, maxTXID ltx.TXID, r io.Reader) (*ltx.FileInfo, error) {
			return write(ctx, level, minTXID, maxTXID, change(r))
		}
	})
}

// onTold hides from the correct client that a reader tells its size.
func onTold(change func(*toldReader)) func(*client) {
	return onAnyWrite(func(_ *client, write writeFunc) writeFunc {
		return func(ctx context.Context, level int, minTXID, maxTXID ltx.TXID, r io.Reader) (*ltx.FileInfo, error) {
			size, err := ltxio.Size(r)
			if err != nil || size < 0 {
				return write(ctx, level, minTXID, maxTXID, r)
			}
			told := &toldReader{ctx: ctx, r: r, left: size}
			change(told)
			return write(ctx, level, minTXID, maxTXID, told)
		}
	})
}

type toldReader struct {
	ctx             context.Context
	r               io.Reader
	left            int64
	mayEnd, mayGoOn bool
	ended           bool
}

func (t *toldReader) Read(p []byte) (int, error) {
	n, err := t.r.Read(p)
	t.left -= int64(n)
	t.ended = t.ended || err == io.EOF
	switch {
	case t.left < 0 && !t.mayGoOn, err == io.EOF && t.left > 0 && !t.mayEnd && t.ctx.Err() == nil:
		err = fs.ErrInvalid
	}
	return n, err
}
