package httpfault

import (
	"compress/gzip"
	"crypto/tls"
	"io"
	"net/http"
	"sync/atomic"
)

// hangUp closes the connection of the response normally, or with a reset, which
// drops what the client has not yet read.
func hangUp(w http.ResponseWriter, reset bool) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		// HTTP/2, or a connection that is gone already.
		panic(http.ErrAbortHandler)
	}
	if secure, ok := conn.(*tls.Conn); ok {
		conn = secure.NetConn() // no close_notify: that would be a clean end
	}
	if lingering, ok := conn.(interface{ SetLinger(sec int) error }); ok && reset { // *net.TCPConn
		_ = lingering.SetLinger(0)
	}
	_ = conn.Close()
}

func cut(x Exchange, w http.ResponseWriter, r *http.Request, n int64, reset bool) {
	limited := &limitedWriter{ResponseWriter: w, left: n}
	limited.atLimit = func() {
		_ = http.NewResponseController(w).Flush()
		hangUp(w, reset)
	}
	x.Next.ServeHTTP(limited, r)
}

// limitedWriter writes a limited number of bytes of the body, and calls atLimit
// once if there are more.
type limitedWriter struct {
	http.ResponseWriter
	left    int64
	atLimit func()
	over    bool
}

func (w *limitedWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

func (w *limitedWriter) Write(p []byte) (int, error) {
	if w.over {
		return 0, io.ErrClosedPipe
	}
	if int64(len(p)) <= w.left {
		n, err := w.ResponseWriter.Write(p)
		w.left -= int64(n)
		return n, err
	}
	n, err := w.ResponseWriter.Write(p[:w.left])
	w.over = true
	w.atLimit()
	if err == nil {
		err = io.ErrClosedPipe
	}
	return n, err
}

type corruptWriter struct {
	http.ResponseWriter
	at, pos int64
}

func (w *corruptWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

func (w *corruptWriter) Write(p []byte) (int, error) {
	if i := w.at - w.pos; i >= 0 && i < int64(len(p)) {
		p = append([]byte(nil), p...)
		p[i] ^= 0x40
	}
	n, err := w.ResponseWriter.Write(p)
	w.pos += int64(n)
	return n, err
}

type spanWriter struct {
	http.ResponseWriter
	span string
}

func (w *spanWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

func (w *spanWriter) WriteHeader(status int) {
	switch {
	case status != http.StatusPartialContent:
	case w.span == "":
		w.Header().Del("Content-Range")
	default:
		w.Header().Set("Content-Range", w.span)
	}
	w.ResponseWriter.WriteHeader(status)
}

type countedWriter struct {
	http.ResponseWriter
	n *atomic.Int64
}

func (w *countedWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

func (w *countedWriter) Write(p []byte) (int, error) {
	n, err := w.ResponseWriter.Write(p)
	w.n.Add(int64(n))
	return n, err
}

type countedBody struct {
	io.ReadCloser
	n *atomic.Int64
}

func (b *countedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	b.n.Add(int64(n))
	return n, err
}

// pace returns the number of bytes sent at a time with a limited bandwidth: those of five
// milliseconds, but 512 bytes to 128 KiB.
func pace(bytesPerSecond int64) int { return int(min(max(bytesPerSecond/200, 512), 128<<10)) }

type pacedWriter struct {
	http.ResponseWriter
	pace int
	wait func(int)
}

func (w *pacedWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

func (w *pacedWriter) Write(p []byte) (written int, err error) {
	for err == nil && written < len(p) {
		step := p[written:min(len(p), written+w.pace)]
		w.wait(len(step)) // before: what has been sent has arrived
		var n int
		n, err = w.ResponseWriter.Write(step)
		written += n
		_ = http.NewResponseController(w.ResponseWriter).Flush()
	}
	return written, err
}

type pacedBody struct {
	io.ReadCloser
	pace int
	wait func(int)
}

func (b *pacedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p[:min(len(p), b.pace)])
	b.wait(n)
	return n, err
}

// nowhere discards a response.
type nowhere struct{ header http.Header }

func (w *nowhere) Header() http.Header         { return w.header }
func (w *nowhere) WriteHeader(int)             {}
func (w *nowhere) Write(p []byte) (int, error) { return len(p), nil }

// chunkedWriter hides the length of the body.
type chunkedWriter struct{ http.ResponseWriter }

func (w *chunkedWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

func (w *chunkedWriter) WriteHeader(code int) {
	w.Header().Del("Content-Length")
	w.ResponseWriter.WriteHeader(code)
	_ = http.NewResponseController(w.ResponseWriter).Flush() // net/http would count a short body
}

// gzipWriter compresses the body, if there is any. It must be closed.
type gzipWriter struct {
	http.ResponseWriter
	zip *gzip.Writer
}

func (w *gzipWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

func (w *gzipWriter) WriteHeader(code int) {
	w.Header().Del("Content-Length")
	w.Header().Set("Content-Encoding", "gzip")
	w.ResponseWriter.WriteHeader(code)
}

func (w *gzipWriter) Write(p []byte) (int, error) {
	if w.zip == nil {
		if w.Header().Get("Content-Encoding") == "" {
			w.WriteHeader(http.StatusOK)
		}
		w.zip = gzip.NewWriter(w.ResponseWriter)
	}
	return w.zip.Write(p)
}

func (w *gzipWriter) Close() error {
	if w.zip == nil {
		return nil
	}
	return w.zip.Close()
}
