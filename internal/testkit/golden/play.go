package golden

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"
	"testing/iotest"
	"time"

	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/testing/replicatest"
)

// Play uses a client in all ways that send different kinds of requests.
type Play struct {
	Client ltxstore.ReplicaClient
	Wire   *Transport

	// PartSize is the part size of a multipart upload.
	PartSize int

	// Once means that the client has WriteOnce.
	Once bool
}

// errDisk is the error of a failing body.
var errDisk = errors.New("disk")

// Run makes all calls, each with a title. The server should have pages of two
// files.
func (p *Play) Run(ctx context.Context) error {
	small := replicatest.NewLTXFile(1, 1, time.Date(2023, 1, 2, 3, 4, 5, 678e6, time.UTC), 1)
	large := bytes.Repeat([]byte("0123456789abcdef"), 2*p.PartSize/16+1)
	var failed error
	step := func(title string, run func() error) {
		if failed == nil {
			p.Wire.Title("%s", title)
			if err := run(); err != nil {
				failed = fmt.Errorf("%s: %w", title, err)
			}
		}
	}
	step("write a small file", func() error { return p.write(ctx, 1, stream(small)) })
	step("write a text", func() error { return p.write(ctx, 4, strings.NewReader("a text")) })
	step("write a large file", func() error { return p.write(ctx, 2, stream(large)) })
	step("fail to write a large file", func() error {
		return wants(p.write(ctx, 3, io.MultiReader(stream(large), stream(large), iotest.ErrReader(errDisk))), errDisk)
	})
	if p.Once {
		step("write what is there already", func() error { return p.write(ctx, 4, strings.NewReader("a text")) })
		step("write other content, large", func() error { return wants(p.write(ctx, 4, bytes.NewReader(large)), fs.ErrExist) })
	}
	step("list, page by page", func() error { return p.list(ctx, 0, false) })
	step("list from the fourth file, with the headers' times", func() error { return p.list(ctx, 4, true) })
	step("read a large file", func() error { return p.read(ctx, 2, 0, 0) })
	step("read a range", func() error { return p.read(ctx, 1, 10, 20) })
	step("read from an offset to the end", func() error { return p.read(ctx, 1, 10, 0) })
	step("read past the end", func() error { return p.read(ctx, 1, 100_000, 0) })
	step("delete", func() error { return p.Client.DeleteLTXFiles(ctx, []*ltx.FileInfo{{MinTXID: 1, MaxTXID: 1}}) })
	step("delete all", func() error { return p.Client.DeleteAll(ctx) })
	return failed
}

// stream hides all but Read.
func stream(body []byte) io.Reader { return struct{ io.Reader }{bytes.NewReader(body)} }

func wants(err, want error) error {
	if !errors.Is(err, want) {
		return fmt.Errorf("the error is %v: want %v", err, want)
	}
	return nil
}

func (p *Play) write(ctx context.Context, txid ltx.TXID, r io.Reader) error {
	_, err := p.Client.WriteLTXFile(ctx, 0, txid, txid, r)
	return err
}

func (p *Play) list(ctx context.Context, seek ltx.TXID, useMetadata bool) error {
	it, err := p.Client.LTXFiles(ctx, 0, seek, useMetadata)
	if err != nil {
		return err
	}
	for it.Next() {
	}
	return it.Close()
}

func (p *Play) read(ctx context.Context, txid ltx.TXID, offset, size int64) error {
	r, err := p.Client.OpenLTXFile(ctx, 0, txid, txid, offset, size)
	if err != nil {
		return err
	}
	defer r.Close()
	_, err = io.Copy(io.Discard, r)
	return err
}
