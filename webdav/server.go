package webdav

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/backend/rangeio"
	"github.com/ltxstore/ltxstore/backend/transport"
	"github.com/ltxstore/ltxstore/backend/tree"
	"github.com/ltxstore/ltxstore/internal/flow"
)

// server implements tree.Tree on a WebDAV server.
type server struct {
	cfg     Config
	base    *url.URL // of the replica's root
	http    *http.Client
	product product
}

// at returns the URL of a file, and dir that of a collection, which ends with a
// slash because servers differ in how they handle one without.
func (s *server) at(p string) *url.URL {
	u := *s.base
	u.Path = path.Join(u.Path, p)
	return &u
}

func (s *server) dir(p string) *url.URL {
	u := s.at(p)
	u.Path = strings.TrimSuffix(u.Path, "/") + "/"
	return u
}

// send sends a request. size is -1 for a body of unknown size.
func (s *server) send(ctx context.Context, method string, at *url.URL, header http.Header, body io.Reader, size int64) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, method, at.String(), body)
	if err != nil {
		return nil, err
	}
	maps.Copy(req.Header, header)
	req.ContentLength = size
	switch {
	case s.cfg.BearerToken != "":
		req.Header.Set("Authorization", "Bearer "+s.cfg.BearerToken)
	case s.cfg.Username != "" || s.cfg.Password != "":
		req.SetBasicAuth(s.cfg.Username, s.cfg.Password)
	}
	answer, err := s.http.Do(req)
	if err != nil {
		return nil, err
	}
	if why := transport.Compressed(answer.Header); why != "" {
		answer.Body.Close()
		return nil, transport.Foreign("%s", why)
	}
	return answer, nil
}

// request sends a request without a body, and fails unless the status is one of
// want.
func (s *server) request(ctx context.Context, method string, at *url.URL, header http.Header, want ...int) error {
	answer, err := s.send(ctx, method, at, header, nil, 0)
	if err != nil {
		return err
	}
	drain(answer.Body)
	if slices.Contains(want, answer.StatusCode) {
		return nil
	}
	return &statusError{method, answer.StatusCode, answer.Header}
}

func drain(body io.ReadCloser) {
	_, _ = io.CopyN(io.Discard, body, maxDrain)
	body.Close()
}

// Open implements tree.Tree. Some servers replace a file in two steps: if a file is
// missing, Open checks whether it exists now, and then requests it again. Apache
// returns 403 for a file that is deleted while it is being opened.
func (s *server) Open(ctx context.Context, p string, opts tree.OpenOptions) (tree.Content, error) {
	c, err := s.open(ctx, p, opts)
	code := statusOf(err)
	if s.product.atomicMove || code != http.StatusNotFound && code != http.StatusForbidden {
		return c, s.confirm(ctx, s.at(p), err)
	}
	info, statErr := s.Stat(ctx, p)
	switch {
	case statErr == nil && info.Mode.IsRegular():
		return s.open(ctx, p, opts)
	case code == http.StatusNotFound && statErr != nil, statusOf(statErr) == http.StatusNotFound:
		return c, statErr
	}
	return c, err
}

func (s *server) open(ctx context.Context, p string, opts tree.OpenOptions) (c tree.Content, err error) {
	header := http.Header{"Accept-Encoding": {"identity"}}
	asked := rangeio.HTTPRange(opts.Offset, opts.Size)
	if asked != "" {
		header.Set("Range", asked)
	}
	if opts.Version != "" {
		header.Set("If-Match", opts.Version)
	}
	answer, err := s.send(ctx, http.MethodGet, s.at(p), header, nil, 0)
	if err != nil {
		return c, err
	}
	c.Body = answer.Body
	defer func() {
		if err != nil {
			drain(c.Body)
		}
	}()
	if etag := answer.Header.Get("ETag"); strings.HasPrefix(etag, `"`) {
		c.Version = etag
	}
	c.Modified, _ = http.ParseTime(answer.Header.Get("Last-Modified"))
	code, span := answer.StatusCode, answer.Header.Get("Content-Range")
	switch {
	case code == http.StatusPreconditionFailed && opts.Version != "":
		return c, tree.ErrReplaced
	case code == http.StatusRequestedRangeNotSatisfiable:
		drain(c.Body)
		c.Body = http.NoBody
		if c.Size, err = s.sized(ctx, p, rangeio.RefusedSize(span)); err == nil && c.Size > opts.Offset {
			err = fmt.Errorf("server rejects the range from %d of %d bytes: %w", opts.Offset, c.Size, ltxstore.ErrUnavailable)
		}
		return c, err
	case code == http.StatusMethodNotAllowed, code == http.StatusMovedPermanently:
		if info, err := s.Stat(ctx, p); err == nil && info.Mode.IsDir() {
			return c, fmt.Errorf("name is a collection: %w", fs.ErrNotExist)
		}
		return c, &statusError{"GET", code, answer.Header}
	case asked != "" && (code == http.StatusPartialContent || code == http.StatusOK && span != ""):
		n, total, err := rangeio.CheckContentRange(span, opts.Offset, opts.Size)
		if err != nil {
			return c, err
		}
		c.Size, c.Body = total, rangeio.Announced(answer.Body, n)
	case code == http.StatusOK:
		c.Size = answer.ContentLength
		if opts.Offset > maxSkip && opts.Offset < c.Size {
			return c, fmt.Errorf("server ignores ranges, and offset %d is more than the %d bytes that may be skipped: %w", opts.Offset, int64(maxSkip), errors.ErrUnsupported)
		}
		if _, err := io.CopyN(io.Discard, answer.Body, opts.Offset); err != nil && err != io.EOF {
			return c, err
		}
	default:
		return c, &statusError{"GET", code, answer.Header}
	}
	if c.Size, err = s.sized(ctx, p, c.Size); err != nil {
		return c, err
	}
	if opts.Version != "" && c.Version != opts.Version {
		return c, tree.ErrReplaced
	}
	return c, nil
}

// sized returns told, the size in the answer, or asks for it if that is negative.
func (s *server) sized(ctx context.Context, p string, told int64) (int64, error) {
	if told >= 0 {
		return told, nil
	}
	info, err := s.Stat(ctx, p)
	return info.Size, err
}

// brokenGrace is how long to wait after an aborted PUT before its file is removed. A
// server may create the file only then, and it would remain.
const brokenGrace = 100 * time.Millisecond

// Create implements tree.Tree. The body is read in this goroutine and passed to the
// request through a pipe.
func (s *server) Create(ctx context.Context, p string, from *tree.Body) (tree.Info, error) {
	longer, cancel := flow.Outlive(ctx, answerGrace)
	defer cancel()
	read, write := io.Pipe()
	answered := make(chan error, 1)
	go func() {
		answer, err := s.send(longer, http.MethodPut, s.at(p), http.Header{"Content-Type": {"application/octet-stream"}}, read, from.Size)
		if err == nil {
			drain(answer.Body)
			if answer.StatusCode/100 != 2 {
				err = &statusError{"PUT", answer.StatusCode, answer.Header}
			}
		}
		read.CloseWithError(errAnswered)
		answered <- err
	}()
	whole := false
	defer func() {
		if !whole { // the body's reader panicked
			write.CloseWithError(context.Canceled)
			<-answered
			time.Sleep(brokenGrace)
		}
	}()
	_, copied := flow.Copy(write, from)
	whole = true
	write.CloseWithError(copied)
	err := <-answered
	if copied != nil && !errors.Is(copied, errAnswered) {
		time.Sleep(brokenGrace)
		return tree.Info{}, copied
	}
	if err == nil && copied != nil {
		err = fmt.Errorf("server responded before the end of the PUT: %w", ltxstore.ErrUnavailable)
	}
	if err != nil || from.Size >= 0 {
		return tree.Info{Size: -1}, err
	}
	// Some servers acknowledge a body of unknown size without storing it.
	info, err := s.Stat(ctx, p)
	return tree.Info{Size: info.Size}, err
}

// errAnswered stops copying a body if the server has already responded.
var errAnswered = errors.New("server has already responded")

// move sends MOVE. Behind a proxy, a server may know itself by another name or
// without TLS, and take the URL of the destination for that of another server: it
// then gets the path, or, as Apache needs one, the URL without TLS.
func (s *server) move(ctx context.Context, from, to, overwrite string) (err error) {
	full, plain := s.at(to), s.at(to)
	plain.Scheme = "http"
	for _, destination := range []string{full.String(), full.EscapedPath(), plain.String()} {
		err = s.request(ctx, "MOVE", s.at(from), http.Header{"Destination": {destination}, "Overwrite": {overwrite}},
			http.StatusCreated, http.StatusNoContent)
		if code := statusOf(err); code != http.StatusBadGateway && code != http.StatusBadRequest {
			break
		}
	}
	switch statusOf(err) {
	case http.StatusPreconditionFailed:
		return fmt.Errorf("%w: %w", fs.ErrExist, err)
	case http.StatusNotFound, http.StatusConflict, http.StatusForbidden, http.StatusInternalServerError:
		// Another move may be between the two steps in which Apache replaces a
		// file.
		if _, missing := s.stat(ctx, from); overwrite == "T" && missing == nil {
			return fmt.Errorf("another client is replacing the file: %w: %w", ltxstore.ErrUnavailable, err)
		}
	}
	return err
}

// Rename implements tree.Tree. Most files are new, and a move without replacing is
// atomic even if one with replacing is not.
func (s *server) Rename(ctx context.Context, from, to string) error {
	err := s.move(ctx, from, to, "F")
	if !errors.Is(err, fs.ErrExist) {
		return err
	}
	if info, err := s.Stat(ctx, to); err == nil && !info.Mode.IsRegular() {
		return fmt.Errorf("name is a collection, which a move would replace: %w", fs.ErrInvalid)
	}
	return s.move(ctx, from, to, "T")
}

func (s *server) Link(ctx context.Context, from, to string) error { return s.move(ctx, from, to, "F") }

func (s *server) Remove(ctx context.Context, p string) error {
	return s.request(ctx, http.MethodDelete, s.at(p), nil, http.StatusOK, http.StatusAccepted, http.StatusNoContent)
}

func (s *server) MakeDir(ctx context.Context, p string) error { return s.mkcol(ctx, s.dir(p)) }

func (s *server) mkcol(ctx context.Context, at *url.URL) error {
	for again := false; ; again = true {
		err := s.request(ctx, "MKCOL", at, nil, http.StatusCreated, http.StatusMethodNotAllowed) // 405: it exists
		if code := statusOf(err); !again && code != http.StatusConflict && code != http.StatusForbidden && code != http.StatusNotFound {
			return err
		}
		// A parent is missing, or another client is creating the collection.
		if info, lookErr := s.properties(ctx, at); err == nil || lookErr == nil && info.Mode.IsDir() {
			return nil
		}
		if again || at.Path == "/" {
			return err
		}
		if err := s.mkcol(ctx, above(at)); err != nil {
			return err
		}
	}
}

// above returns the URL of the parent collection.
func above(at *url.URL) *url.URL {
	u := *at
	u.Path = strings.TrimSuffix(path.Dir(path.Clean(at.Path)), "/") + "/"
	return &u
}

// RemoveDir implements tree.Tree. It first checks that the collection is empty,
// because DELETE removes its members too. Files that are written to it between the
// two requests are lost.
func (s *server) RemoveDir(ctx context.Context, p string) error {
	n := 0
	if err := s.List(ctx, p, func(tree.Entry) { n++ }); err != nil {
		return err
	}
	if n > 0 {
		return fs.ErrExist
	}
	return s.request(ctx, http.MethodDelete, s.dir(p), nil, http.StatusOK, http.StatusAccepted, http.StatusNoContent)
}
