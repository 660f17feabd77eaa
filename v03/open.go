package v03

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"

	"github.com/pierrec/lz4/v4"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/internal/flow"
)

// OpenSnapshot returns a reader of a snapshot's database. It costs one request, and memory
// for two LZ4 blocks of at most 4 MiB. It fails with fs.ErrNotExist if there is no such
// snapshot, and with errors.ErrUnsupported if it is encrypted with age and the client does
// not decrypt it. If it cannot be decoded, OpenSnapshot or Read fails with a *DamageError.
func OpenSnapshot(ctx context.Context, client ltxstore.ReplicaClient, generation string, index int) (io.ReadCloser, error) {
	s := Snapshot{Generation: generation, Index: index}
	return open(ctx, client, s.Name(), func(err error) error { return damagedSnapshot(s, err) })
}

// OpenSegment returns a reader of a segment of a WAL file. It costs and fails as
// OpenSnapshot does.
func OpenSegment(ctx context.Context, client ltxstore.ReplicaClient, generation string, index int, offset int64) (io.ReadCloser, error) {
	s := Segment{Generation: generation, Index: index, Offset: offset}
	return open(ctx, client, s.Name(), func(err error) error { return damagedSegment(s, err) })
}

// open opens a listed snapshot.
func (s Snapshot) open(ctx context.Context, client ltxstore.ReplicaClient) (io.ReadCloser, error) {
	return openListed(ctx, client, s.Name(), s.Size, func(err error) error { return damagedSnapshot(s, err) })
}

// open opens a listed segment.
func (s Segment) open(ctx context.Context, client ltxstore.ReplicaClient) (io.ReadCloser, error) {
	return openListed(ctx, client, s.Name(), s.Size, func(err error) error { return damagedSegment(s, err) })
}

// openListed opens a file that was listed with that size. If it is missing by now, the error
// must not be mistaken for that of an empty replica.
func openListed(ctx context.Context, client ltxstore.ReplicaClient, name string, size int64, damaged func(error) error) (io.ReadCloser, error) {
	if size == 0 {
		return nil, damaged(errTorn())
	}
	rc, err := open(ctx, client, name, damaged)
	if errors.Is(err, fs.ErrNotExist) && !isFault(err) {
		return nil, fmt.Errorf("%s was deleted since it was listed: run it again: %w: %v", name, ltxstore.ErrUnavailable, err)
	}
	return rc, err
}

func errTorn() error { return faultf("file is empty after an incomplete upload") }

func open(ctx context.Context, client ltxstore.ReplicaClient, name string, damaged func(error) error) (io.ReadCloser, error) {
	_, opener, err := rawOf(client)
	if err != nil {
		return nil, err
	}
	rc, err := opener.OpenRaw(ctx, name, 0, 0)
	if errors.Is(err, ltxstore.ErrChecksum) {
		err = damaged(fault{err})
	}
	if err != nil {
		return nil, err
	}
	source := &source{r: &flow.Reader{Ctx: ctx, R: rc}}
	return &decoder{name: name, rc: rc, source: source, lz4: lz4.NewReader(source), damaged: damaged}, nil
}

// ageIntro is how a file starts that is encrypted with age.
const ageIntro = "age-encryption.org/v1"

// source records the start of a body and its error, so that a failed transfer is not
// mistaken for damage.
type source struct {
	r    io.Reader
	n    int64
	head []byte // at most len(ageIntro) bytes
	end  lz4End
	err  error
}

func (s *source) Read(p []byte) (int, error) {
	n, err := s.r.Read(p)
	s.head = append(s.head, p[:min(n, len(ageIntro)-len(s.head))]...)
	s.end.add(p[:n])
	if s.n += int64(n); err != nil {
		s.err = err
	}
	return n, err
}

// decoder decodes the LZ4 frame of a file, and checks that the file ends with it.
type decoder struct {
	name    string
	rc      io.ReadCloser
	source  *source
	lz4     *lz4.Reader
	damaged func(error) error
	err     error
}

// Read implements io.Reader.
func (d *decoder) Read(p []byte) (int, error) {
	if d.err != nil || len(p) == 0 {
		return 0, d.err
	}
	n, err := d.lz4.Read(p)
	if err == nil {
		return n, nil
	}
	if d.source.err == nil {
		var more [len(ageIntro)]byte
		_, _ = io.ReadFull(d.source, more[:]) // recorded by source
	}
	switch {
	case d.source.err != nil && d.source.err != io.EOF:
		err = d.source.err
		if errors.Is(err, ltxstore.ErrChecksum) { // from decryption
			err = d.damaged(fault{err})
		}
	case string(d.source.head) == ageIntro:
		err = fmt.Errorf("%s is encrypted with age: want the identities of its replica (setting crypt.identities, "+
			"or age.identities in a litestream.yml): %w", d.name, errors.ErrUnsupported)
	case d.source.n == 0:
		err = d.damaged(errTorn())
	case d.source.end.more:
		err = d.damaged(faultf("file has data after its LZ4 frame"))
	case d.source.end.state != lz4Done && (err == io.EOF || errors.Is(err, io.ErrUnexpectedEOF)):
		err = d.damaged(faultf("LZ4 frame is cut off after %d bytes", d.source.n))
	case err != io.EOF:
		err = d.damaged(faultf("LZ4: %w", err))
	}
	d.err = err
	return n, err
}

// Close implements io.Closer.
func (d *decoder) Close() error {
	if d.err == nil || d.err == io.EOF {
		d.err = fs.ErrClosed
	}
	return d.rc.Close()
}
