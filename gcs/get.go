package gcs

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"

	"cloud.google.com/go/storage"
	"google.golang.org/api/googleapi"

	"github.com/ltxstore/ltxstore/internal/rangeio"
)

var (
	// errTorn makes a zero-byte object a missing file, as it is for LTXFiles.
	errTorn = fmt.Errorf("the object is empty, a torn upload: %w", fs.ErrNotExist)

	// errReplaced ends a read whose rest would be another file's.
	errReplaced = errors.New("the file was replaced while it was read")
)

// version is one content of an object.
type version struct {
	generation int64
	size       int64
	crc        uint32 // CRC-32C, if known
	crcKnown   bool
}

// answer is an open body: what is left of the range that was asked for.
type answer struct {
	version
	body io.ReadCloser
}

// get asks for offset and size of an object, and only of a generation if that
// is not 0. It is one GET. It may hold fewer or more bytes than it should:
// whoever reads has to count.
func (r *replica) get(ctx context.Context, key string, offset, size, generation int64, x *exchange) (*answer, error) {
	o := r.object(key)
	if generation != 0 {
		o = o.If(storage.Conditions{GenerationMatch: generation})
	}
	length := size
	if size == 0 || offset > math.MaxInt64-size {
		length = -1 // to the end: 0 would ask for nothing
	}
	x.single = true
	body, err := o.NewRangeReader(x.context(ctx), offset, length)
	if err != nil {
		if generation != 0 && (isPreconditionFailed(err) || isInvalidRange(err)) {
			return nil, fmt.Errorf("%w: %w", errReplaced, err)
		}
		return nil, r.confirm(ctx, key, err)
	}
	a := &answer{body: body, version: version{generation: max(body.Attrs.Generation, 0), size: body.Attrs.Size}}
	err = a.check(body.Attrs.StartOffset, offset, generation)
	if err == nil && a.generation == 0 && r.cfg.Client != nil {
		err = foreign("the answer has no generation, at which the client could resume it")
	}
	if err != nil {
		body.Close()
		return nil, err
	}
	a.crc, a.crcKnown = body.Attrs.CRC32C, body.Attrs.CRC32C != 0
	if a.size < 0 {
		attrs, err := r.attrs(ctx, key)
		if err == nil && attrs.Generation != a.generation {
			err = fmt.Errorf("%w: its length was asked for", errReplaced)
		}
		if err != nil {
			body.Close()
			return nil, err
		}
		a.size = attrs.Size
	}
	return a, nil
}

// check looks at where an answer begins, and whether it is of the generation
// that was asked for, if that is not 0. An answer that tells none may be of any.
func (a *answer) check(start, offset, generation int64) error {
	switch {
	case start != offset:
		return fmt.Errorf("service answered with the range from %d: want it to start at %d", start, offset)
	case generation == 0 || a.generation == generation:
		return nil
	case a.generation == 0:
		return foreign("the answer has no generation: want %d", generation)
	}
	return fmt.Errorf("%w: generation is %d, was %d", errReplaced, a.generation, generation)
}

// attrs asks for what describes an object.
func (r *replica) attrs(ctx context.Context, key string) (*storage.ObjectAttrs, error) {
	attrs, err := r.object(key).Attrs(ctx)
	if err == nil && attrs.Name != key {
		return nil, foreign("the answer describes %.100q: want %q", attrs.Name, key)
	}
	return attrs, err
}

// confirm returns the error of an object that could not be read. A 404 that does
// not say what is missing may be a proxy's, and so may any 404 that a client
// of the XML API reports: the service is asked once more, by a request whose
// answer says it.
func (r *replica) confirm(ctx context.Context, key string, failure error) error {
	missing := statusOf(failure) == http.StatusNotFound || errors.Is(failure, storage.ErrObjectNotExist)
	if !missing || saidMissing("", failure) != nil {
		return failure
	}
	if _, err := r.attrs(ctx, key); err != nil {
		return err
	}
	return fmt.Errorf("%w: a 404 for an object that exists: %s", errForeign, failure)
}

// pastEnd tells what a 416 means: nil if the range is really past the end.
func (r *replica) pastEnd(ctx context.Context, key string, offset int64, refused error) error {
	size, ok := refusedSize(refused)
	if !ok {
		attrs, err := r.attrs(ctx, key)
		if err != nil {
			return err
		}
		size = attrs.Size
	}
	switch {
	case size == 0:
		return errTorn
	case size > offset:
		return fmt.Errorf("service refuses the range from %d of %d bytes: %w", offset, size, refused)
	}
	return nil
}

// refusedSize reads the object's size from a 416 answer's Content-Range.
func refusedSize(err error) (int64, bool) {
	var api *googleapi.Error
	if !errors.As(err, &api) {
		return 0, false
	}
	digits, ok := strings.CutPrefix(api.Header.Get("Content-Range"), "bytes */")
	if !ok {
		return 0, false
	}
	size, err := strconv.ParseInt(digits, 10, 64)
	return size, err == nil && size >= 0
}

func (r *replica) transferConfig(key string, v version, offset, n int64) rangeio.Config {
	cfg := rangeio.Config{
		Offset:      offset,
		Size:        n,
		IdleTimeout: r.cfg.IdleTimeout,
		Open: func(ctx context.Context, offset, length int64) (io.ReadCloser, error) {
			// The policy around this repeats it: the transport must not do so too.
			a, err := r.get(ctx, key, offset, length, v.generation, &exchange{once: true})
			if err != nil {
				return nil, retryAfter(err, time.Now())
			}
			return a.body, nil
		},
	}
	if v.generation != 0 && r.cfg.Client == nil {
		cfg.Retry = r.policy
	}
	return cfg
}
