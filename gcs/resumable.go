package gcs

import (
	"context"
	"fmt"
	"hash"
	"hash/crc32"
	"io"
	"io/fs"
	"log/slog"
	"net/http"
	"time"

	"cloud.google.com/go/storage"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/internal/body"
	"github.com/ltxstore/ltxstore/internal/ctxio"
	"github.com/ltxstore/ltxstore/internal/scrub"
	"github.com/ltxstore/ltxstore/internal/verify"
)

// abortTimeout is how long a failed write may take to clean up.
const abortTimeout = 10 * time.Second

// resumable stores a body of any size in chunks. Each is repeated by the
// transport; one that had arrived is not stored twice ("Resumable uploads":
// bytes at an offset that is stored are ignored).
func (u *upload) resumable(ctx context.Context, r io.Reader) (*storage.ObjectAttrs, error) {
	x := &exchange{}
	longer, cancel := ctxio.Outlive(x.context(ctx), answerGrace)
	defer cancel()
	w := u.writer(longer)
	w.ChunkSize = int(u.cfg.ChunkSize)
	w.ChunkRetryDeadline = time.Hour // the transport's policy decides

	sums := &summed{r: r, crc: crc32.New(castagnoli())}
	if u.cfg.Verify == ltxstore.VerifyReadback {
		sums.crc64 = body.NewCRC64()
	}
	done, err := u.send(ctx, cancel, w, sums)
	c := sums.content()
	switch {
	case err == nil && c.size == 0:
		return nil, fmt.Errorf("body is empty: want an LTX file: %w", fs.ErrInvalid)
	case err == nil:
		if err = u.compare(ctx, done, c); err == nil {
			err = u.verify(ctx, c)
		}
		return done, err
	}
	if session := x.sessionURL(); session != "" {
		u.endSession(ctx, session)
		err = fmt.Errorf("%w: %w", errSession, err)
	}
	if isPreconditionFailed(err) {
		// The service refuses before it has seen the body: to know whether the
		// file that is there is the same, it must be read all the same.
		if _, err := io.Copy(io.Discard, sums); err != nil {
			return nil, err
		}
		c = sums.content()
	}
	if !sums.end {
		return nil, err
	}
	return u.settle(ctx, c, err)
}

// summed sums a body on its way.
type summed struct {
	r     io.Reader
	n     int64
	crc   hash.Hash32
	crc64 hash.Hash64 // nil if nobody will ask
	end   bool
}

// WriteTo implements io.WriterTo, with a buffer from the pool.
func (s *summed) WriteTo(w io.Writer) (int64, error) { return body.Copy(w, s) }

// Read implements io.Reader.
func (s *summed) Read(p []byte) (int, error) {
	n, err := s.r.Read(p)
	s.n += int64(n)
	s.crc.Write(p[:n])
	if s.crc64 != nil {
		s.crc64.Write(p[:n])
	}
	s.end = s.end || err == io.EOF
	return n, err
}

func (s *summed) content() content {
	return content{size: s.n, crc: s.crc.Sum32(), sum: func() (uint64, error) { return s.crc64.Sum64(), nil }}
}

// sessions ends uploads that nobody will finish.
type sessions struct{ client *http.Client }

// endSession deletes an upload that has failed, which the service would keep
// for a week. It does so also when ctx has ended.
func (u *upload) endSession(ctx context.Context, session string) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), abortTimeout)
	defer cancel()
	if err := u.end.end(ctx, session); err != nil {
		u.log.Get().LogAttrs(ctx, slog.LevelWarn, "ltx upload cannot be ended: the service forgets it in a week",
			slog.String("replica", backend), slog.String("key", u.key), slog.Any("error", scrub.Error(err)))
	}
}

// statusEnded is how the service answers when an upload was cancelled
// ("Performing resumable uploads", "Cancel an upload").
const statusEnded = 499

func (s sessions) end(ctx context.Context, session string) error {
	if s.client == nil {
		return nil
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodDelete, session, http.NoBody)
	if err != nil {
		return err
	}
	resp, err := s.client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	switch resp.StatusCode {
	case statusEnded, http.StatusNotFound, http.StatusGone, http.StatusOK, http.StatusNoContent:
		return nil
	}
	return fmt.Errorf("service answered %s: %w", resp.Status, verify.ErrMismatch)
}
