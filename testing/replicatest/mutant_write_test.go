package replicatest_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"math"
	"slices"
	"time"

	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore/backend"
	"github.com/ltxstore/ltxstore/mock"
)

func writeMutants() []mutant {
	return []mutant{
		{name: "returns before the end of a body that comes with io.EOF", fails: []string{"write/readers"},
			damage: onReader(func(r io.Reader) io.Reader { return &dropper{r} })},
		{name: "rewinds a seekable reader", fails: []string{"write/readers", "write/seeker-from-current-offset", "write/empty"},
			damage: onReader(func(r io.Reader) io.Reader {
				if s, ok := r.(io.Seeker); ok {
					_, _ = s.Seek(0, io.SeekStart)
				}
				return r
			})},
		{name: "wants every seeker to seek", fails: []string{"write/readers"},
			damage: onReader(func(r io.Reader) io.Reader {
				if s, ok := r.(io.Seeker); ok {
					if _, err := s.Seek(0, io.SeekCurrent); err != nil {
						return failing{err}
					}
				}
				return r
			})},
		{name: "takes a short read for the end", fails: []string{
			"write/size-shrinks*", "write/invisible-until-done", "write/read-to-eof", "write/readers", "write/*-in-header*",
			"write/*-after-header*", "write/*-in-the-middle*", "write/*-on-last-byte*", "write/plain-reader-fails", "write/reader-panics*",
			"write/no-leftovers", "write/reader-outlives-context*", "rewrite/old-until-replaced", "rewrite/upload-removed", "rewrite/many-writers", "delete-all/directories",
			"all/no-goroutine-leaks"},
			damage: onReader(func(r io.Reader) io.Reader { return &shortReader{r: r} })},
		{name: "closes the caller's reader", fails: []string{"write/read-to-eof", "write/readers", "write/reader-fails-*"},
			damage: onWrite(func(_ *client, write writeFunc) writeFunc {
				return func(ctx context.Context, level int, minTXID, maxTXID ltx.TXID, r io.Reader) (*ltx.FileInfo, error) {
					if c, ok := r.(io.Closer); ok {
						defer c.Close()
					}
					return write(ctx, level, minTXID, maxTXID, r)
				}
			})},
		{name: "loses what is over a part", fails: []string{"write/large"},
			damage: onWrite(func(_ *client, write writeFunc) writeFunc {
				return func(ctx context.Context, level int, minTXID, maxTXID ltx.TXID, r io.Reader) (*ltx.FileInfo, error) {
					n := &counter{r: r}
					info, err := write(ctx, level, minTXID, maxTXID, io.MultiReader(io.LimitReader(n, 900_000), &discarded{n}))
					if info != nil {
						info.Size = n.n
					}
					return info, err
				}
			})},
		{name: "returns no size of a body shorter than a header", fails: []string{
			"write/exact", "write/sizes", "write/read-to-eof", "write/other-bodies",
			"open/ranges", "all/ten-writers"},
			damage: onInfo(func(_ *client, info *ltx.FileInfo) {
				if info.Size < ltx.HeaderSize {
					info.Size = 0
				}
			})},
		{name: "loses the end of compactions", fails: []string{"write/ltx", "open/ranges"},
			damage: onWrite(func(_ *client, write writeFunc) writeFunc {
				return func(ctx context.Context, level int, minTXID, maxTXID ltx.TXID, r io.Reader) (*ltx.FileInfo, error) {
					if level == 0 {
						return write(ctx, level, minTXID, maxTXID, r)
					}
					n := &counter{r: r}
					info, err := write(ctx, level, minTXID, maxTXID, io.MultiReader(io.LimitReader(n, 64<<10), &discarded{n}))
					if info != nil {
						info.Size = n.n
					}
					return info, err
				}
			})},
		{name: "accepts an empty body", fails: []string{"write/empty"},
			damage: acceptsWhen(func(_ *client, _, _ ltx.TXID, body []byte) bool { return len(body) == 0 })},
		{name: "accepts the header of another file", fails: []string{"write/header-of-another-file"},
			damage: acceptsWhen(func(_ *client, minTXID, maxTXID ltx.TXID, body []byte) bool {
				var hdr ltx.Header
				return len(body) >= ltx.HeaderSize && hdr.UnmarshalBinary(body) == nil && hdr.Validate() == nil &&
					(hdr.MinTXID != minTXID || hdr.MaxTXID != maxTXID)
			})},
		{name: "accepts a broken header", fails: []string{"write/broken-header"},
			damage: acceptsWhen(func(_ *client, _, _ ltx.TXID, body []byte) bool {
				var hdr ltx.Header
				return bytes.HasPrefix(body, []byte(ltx.Magic)) && errors.Join(hdr.UnmarshalBinary(body), hdr.Validate()) != nil
			})},
		{name: "wants a magic of every body", fails: []string{"write/sizes", "write/other-bodies", "write/plain-reader-fails", "open/ranges"},
			damage: onWrite(func(_ *client, write writeFunc) writeFunc {
				return func(ctx context.Context, level int, minTXID, maxTXID ltx.TXID, r io.Reader) (*ltx.FileInfo, error) {
					if !sound(ctx, level, minTXID, maxTXID) {
						return write(ctx, level, minTXID, maxTXID, r)
					}
					first, r := peek(r)
					if n := len(first); n > 0 && n < len(ltx.Magic) {
						return nil, fs.ErrInvalid
					}
					return write(ctx, level, minTXID, maxTXID, r)
				}
			})},
		{name: "accepts minTXID above maxTXID", fails: []string{"write/bad-names"},
			damage: onWrite(func(_ *client, write writeFunc) writeFunc {
				return func(ctx context.Context, level int, minTXID, maxTXID ltx.TXID, r io.Reader) (*ltx.FileInfo, error) {
					if minTXID > maxTXID {
						minTXID, maxTXID = maxTXID, minTXID
					}
					return write(ctx, level, minTXID, maxTXID, r)
				}
			})},
		{name: "takes the highest transaction for none", fails: []string{"write/bad-names", "list/sorted"},
			damage: onWrite(func(_ *client, write writeFunc) writeFunc {
				return func(ctx context.Context, level int, minTXID, maxTXID ltx.TXID, r io.Reader) (*ltx.FileInfo, error) {
					if maxTXID == math.MaxUint64 {
						return nil, fs.ErrInvalid
					}
					return write(ctx, level, minTXID, maxTXID, r)
				}
			})},
		{name: "reads the body before it looks at anything", fails: []string{
			"write/bad-names", "write/cancelled-before-header*", "write/cancelled-in-header*", "write/cancelled-after-header*",
			"write/cancelled-in-the-middle*", "all/context-done", "write/reader-outlives-context*"},
			damage: onWrite(func(_ *client, write writeFunc) writeFunc {
				return func(ctx context.Context, level int, minTXID, maxTXID ltx.TXID, r io.Reader) (*ltx.FileInfo, error) {
					body, err := io.ReadAll(r)
					if err != nil {
						return nil, err
					}
					return write(ctx, level, minTXID, maxTXID, bytes.NewReader(body))
				}
			})},
		{name: "acknowledges before it stores", fails: []string{"write/durable"},
			damage: func(c *client) {
				written := make(chan string, 1000)
				write := c.Default().WriteLTXFile
				c.WriteLTXFileFunc = func(ctx context.Context, level int, minTXID, maxTXID ltx.TXID, r io.Reader) (*ltx.FileInfo, error) {
					info, err := write(ctx, level, minTXID, maxTXID, r)
					if err == nil {
						written <- c.keys.File(level, minTXID, maxTXID)
					}
					return info, err
				}
				c.CloseFunc = func() error {
					for len(written) > 0 {
						c.world.bucket.Delete(<-written)
					}
					return nil
				}
			}},
		{name: "replaces only what is shorter", fails: []string{"rewrite/replaces"}, chance: []string{"rewrite/many-writers"},
			damage: onWrite(func(c *client, write writeFunc) writeFunc {
				return func(ctx context.Context, level int, minTXID, maxTXID ltx.TXID, r io.Reader) (*ltx.FileInfo, error) {
					before, _ := c.world.bucket.Get(c.keys.File(level, minTXID, maxTXID))
					info, err := write(ctx, level, minTXID, maxTXID, r)
					if err == nil && info.Size < int64(len(before.Body)) {
						after, _ := c.world.bucket.Get(c.keys.File(level, minTXID, maxTXID))
						after.Body = append(after.Body, before.Body[info.Size:]...) // no truncation
						c.world.bucket.Put(c.keys.File(level, minTXID, maxTXID), after)
					}
					return info, err
				}
			})},
	}
}

func onceMutants() []mutant {
	return []mutant{
		{name: "WriteOnce is not looked at", fails: []string{"once/refuses-other-bytes", "once/one-winner"},
			damage: onOnce(func(*client, []byte, []byte) error { return nil })},
		{name: "WriteOnce checks, then puts", fails: []string{"once/one-winner"},
			damage: onOnce(func(c *client, body, before []byte) error {
				time.Sleep(time.Millisecond) // a round trip
				if before != nil && !bytes.Equal(before, body) {
					return fs.ErrExist
				}
				return nil
			})},
		{name: "WriteOnce refuses identical bytes", fails: []string{"once/accepts-the-same-bytes"},
			damage: onWrite(func(c *client, write writeFunc) writeFunc {
				return func(ctx context.Context, level int, minTXID, maxTXID ltx.TXID, r io.Reader) (*ltx.FileInfo, error) {
					if _, ok := c.world.bucket.Get(c.keys.File(level, minTXID, maxTXID)); ok && c.cfg.WriteOnce {
						return nil, fs.ErrExist
					}
					return write(ctx, level, minTXID, maxTXID, r)
				}
			})},
		{name: "WriteOnce compares sizes", fails: []string{"once/refuses-other-bytes", "once/one-winner"},
			damage: onOnce(func(_ *client, body, before []byte) error {
				if before != nil && len(before) != len(body) {
					return fs.ErrExist
				}
				return nil
			})},
		{name: "WriteOnce refuses with another error", fails: []string{"once/refuses-other-bytes", "once/one-winner"},
			damage: onWrite(func(c *client, write writeFunc) writeFunc {
				return func(ctx context.Context, level int, minTXID, maxTXID ltx.TXID, r io.Reader) (*ltx.FileInfo, error) {
					info, err := write(ctx, level, minTXID, maxTXID, r)
					if errors.Is(err, fs.ErrExist) {
						err = errors.New("412 Precondition Failed")
					}
					return info, err
				}
			})},
	}
}

// many is the same client without WriteOnce.
func (c *client) many() *mock.ReplicaClient {
	cfg := c.cfg
	cfg.WriteOnce = false
	many := mock.NewReplicaClient(cfg)
	many.SetLogger(nil)
	return many
}

// onOnce puts another rule in place of that of WriteOnce: before is nil if
// there is no file.
func onOnce(allow func(c *client, body, before []byte) error) func(*client) {
	return onWrite(func(c *client, write writeFunc) writeFunc {
		if !c.cfg.WriteOnce {
			return write
		}
		many := c.many()
		return func(ctx context.Context, level int, minTXID, maxTXID ltx.TXID, r io.Reader) (*ltx.FileInfo, error) {
			before, _ := c.world.bucket.Get(c.keys.File(level, minTXID, maxTXID))
			body, err := io.ReadAll(r)
			if err != nil {
				return nil, err
			}
			if err := allow(c, body, before.Body); err != nil {
				return nil, err
			}
			return many.WriteLTXFile(ctx, level, minTXID, maxTXID, bytes.NewReader(body))
		}
	})
}

// onReader changes the reader that is written from.
func onReader(change func(io.Reader) io.Reader) func(*client) {
	return onWrite(func(_ *client, write writeFunc) writeFunc {
		return func(ctx context.Context, level int, minTXID, maxTXID ltx.TXID, r io.Reader) (*ltx.FileInfo, error) {
			return write(ctx, level, minTXID, maxTXID, change(r))
		}
	})
}

// onInfo changes what a write returns.
func onInfo(change func(c *client, info *ltx.FileInfo)) func(*client) {
	return onWrite(func(c *client, write writeFunc) writeFunc {
		return func(ctx context.Context, level int, minTXID, maxTXID ltx.TXID, r io.Reader) (*ltx.FileInfo, error) {
			info, err := write(ctx, level, minTXID, maxTXID, r)
			if err == nil {
				change(c, info)
			}
			return info, err
		}
	})
}

// sound reports whether a call is one that reads its reader.
func sound(ctx context.Context, level int, minTXID, maxTXID ltx.TXID) bool {
	return ctx.Err() == nil && backend.CheckFile(level, minTXID, maxTXID) == nil
}

// peek returns as many bytes as a magic has, or what there is, and a reader of
// the whole.
func peek(r io.Reader) ([]byte, io.Reader) {
	first := make([]byte, len(ltx.Magic))
	n, err := io.ReadFull(r, first)
	switch {
	case err == io.EOF, err == io.ErrUnexpectedEOF:
		r = failing{io.EOF}
	case err != nil:
		r = failing{err}
	}
	return first[:n], io.MultiReader(bytes.NewReader(first[:n]), r)
}

// acceptsWhen stores what the correct client refuses.
func acceptsWhen(accepts func(c *client, minTXID, maxTXID ltx.TXID, body []byte) bool) func(*client) {
	return onWrite(func(c *client, write writeFunc) writeFunc {
		return func(ctx context.Context, level int, minTXID, maxTXID ltx.TXID, r io.Reader) (*ltx.FileInfo, error) {
			var read bytes.Buffer
			if !sound(ctx, level, minTXID, maxTXID) {
				return write(ctx, level, minTXID, maxTXID, r)
			}
			info, err := write(ctx, level, minTXID, maxTXID, io.TeeReader(r, &read))
			if !errors.Is(err, fs.ErrInvalid) {
				return info, err
			}
			if _, err := read.ReadFrom(r); err != nil || !accepts(c, minTXID, maxTXID, read.Bytes()) {
				return info, errors.Join(fs.ErrInvalid, err)
			}
			c.world.bucket.Put(c.keys.File(level, minTXID, maxTXID), mock.Object{Body: slices.Clone(read.Bytes())})
			return &ltx.FileInfo{Level: level, MinTXID: minTXID, MaxTXID: maxTXID, Size: int64(read.Len()), CreatedAt: time.Now()}, nil
		}
	})
}

// dropper loses the bytes that come together with io.EOF.
type dropper struct{ r io.Reader }

func (d *dropper) Read(p []byte) (int, error) {
	n, err := d.r.Read(p)
	if err == io.EOF {
		n = 0
	}
	return n, err
}

// shortReader ends where a read did not fill its buffer.
type shortReader struct {
	r   io.Reader
	end bool
}

func (s *shortReader) Read(p []byte) (int, error) {
	if s.end {
		return 0, io.EOF
	}
	n, err := s.r.Read(p)
	s.end = n < len(p)
	return n, err
}

type counter struct {
	r io.Reader
	n int64
}

func (c *counter) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += int64(n)
	return n, err
}

// discarded reads r to its end and yields nothing.
type discarded struct{ r io.Reader }

func (d *discarded) Read([]byte) (int, error) {
	if _, err := io.Copy(io.Discard, d.r); err != nil {
		return 0, err
	}
	return 0, io.EOF
}
