package httpfault

import (
	"io"
	"maps"
	"net/http"
	"strconv"
	"time"
)

// Effect is what happens to a request. Effects only ever act on the exchange
// that they are given; one Effect may serve many at once.
type Effect func(x Exchange, w http.ResponseWriter, r *http.Request)

// Exchange is what an Effect can use.
type Exchange struct {
	// Next answers the request: the server below, or the next effect.
	Next http.Handler

	// Released is closed when what stalls shall end.
	Released <-chan struct{}
}

// Status answers with this status, header and body, without asking the server.
// The request's body is read first: an answer that overtakes it reaches most
// clients as a broken connection, which is another fault.
func Status(code int, header http.Header, body string) Effect {
	return func(_ Exchange, w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		maps.Copy(w.Header(), header)
		w.Header().Set("Content-Length", strconv.Itoa(len(body)))
		w.WriteHeader(code)
		if r.Method != http.MethodHead {
			_, _ = io.WriteString(w, body)
		}
	}
}

// XML answers with an error document as S3 and its like send it: 403
// ExpiredToken, 503 SlowDown. With the code 200 it is the answer that turns
// out to be an error half-way, as CompleteMultipartUpload has it.
func XML(status int, code string) Effect {
	return Status(status, http.Header{"Content-Type": {"application/xml"}},
		`<?xml version="1.0" encoding="UTF-8"?>`+"\n<Error><Code>"+code+"</Code><Message>httpfault</Message><RequestId>1</RequestId></Error>")
}

// Throttle answers 429 with a Retry-After, rounded up to seconds.
func Throttle(after time.Duration) Effect {
	seconds := int64((after + time.Second - 1) / time.Second)
	return Status(http.StatusTooManyRequests, http.Header{"Retry-After": {strconv.FormatInt(seconds, 10)}}, "")
}

// HTML answers with a page as a proxy sends it.
func HTML(status int) Effect {
	return Status(status, http.Header{"Content-Type": {"text/html"}},
		"<html><head><title>"+http.StatusText(status)+"</title></head><body><h1>"+http.StatusText(status)+"</h1><hr><br></body></html>")
}

// Refuse closes the connection before the request's body is read: what comes
// nearest to a refused connection.
func Refuse() Effect {
	return func(_ Exchange, w http.ResponseWriter, _ *http.Request) { hangUp(w, false) }
}

// Reset reads the request and resets the connection before any answer. The
// server never sees the request.
func Reset() Effect {
	return func(_ Exchange, w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		hangUp(w, true)
	}
}

// LoseAnswer lets the server do what is asked, then resets the connection
// instead of answering.
func LoseAnswer() Effect {
	return func(x Exchange, w http.ResponseWriter, r *http.Request) {
		x.Next.ServeHTTP(&nowhere{header: make(http.Header)}, r)
		hangUp(w, true)
	}
}

// ResetAfter resets the connection after n bytes of the answer's body.
func ResetAfter(n int64) Effect {
	return func(x Exchange, w http.ResponseWriter, r *http.Request) { cut(x, w, r, n, true) }
}

// Truncate ends the connection in good order after n bytes of the answer's
// body, whose Content-Length promised more.
func Truncate(n int64) Effect {
	return func(x Exchange, w http.ResponseWriter, r *http.Request) { cut(x, w, r, n, false) }
}

// Shorten ends the answer in good order after n bytes of its body, and hides that there was
// more: so does a proxy that has lost the server, and a server that speaks HTTP/1.0.
func Shorten(n int64) Effect {
	return func(x Exchange, w http.ResponseWriter, r *http.Request) {
		limited := &limitedWriter{ResponseWriter: &chunkedWriter{w}, left: n, atLimit: func() {}}
		x.Next.ServeHTTP(limited, r)
	}
}

// StallAfter sends n bytes of the answer's body and then nothing, until the
// client goes away or the layer is cleared; then the connection is closed.
func StallAfter(n int64) Effect {
	return func(x Exchange, w http.ResponseWriter, r *http.Request) {
		limited := &limitedWriter{ResponseWriter: w, left: n}
		limited.atLimit = func() {
			_ = http.NewResponseController(w).Flush()
			select {
			case <-r.Context().Done():
			case <-x.Released:
			}
			hangUp(w, false)
		}
		x.Next.ServeHTTP(limited, r)
	}
}

// Corrupt changes the byte at offset at of the answer's body.
func Corrupt(at int64) Effect {
	return func(x Exchange, w http.ResponseWriter, r *http.Request) {
		x.Next.ServeHTTP(&corruptWriter{ResponseWriter: w, at: at}, r)
	}
}

// IgnoreRange hides the Range from the server, which then sends everything.
func IgnoreRange() Effect {
	return func(x Exchange, w http.ResponseWriter, r *http.Request) {
		r = r.Clone(r.Context())
		r.Header.Del("Range")
		x.Next.ServeHTTP(w, r)
	}
}

// ContentRange answers a range with another Content-Range, or with none if it is
// empty.
func ContentRange(span string) Effect {
	return func(x Exchange, w http.ResponseWriter, r *http.Request) {
		x.Next.ServeHTTP(&spanWriter{ResponseWriter: w, span: span}, r)
	}
}

// Chunked sends the answer in chunks, without a Content-Length, as a proxy may.
func Chunked() Effect {
	return func(x Exchange, w http.ResponseWriter, r *http.Request) {
		x.Next.ServeHTTP(&chunkedWriter{w}, r)
	}
}

// Gzip compresses the answer's body, as a proxy may although nobody has asked for it.
func Gzip() Effect {
	return func(x Exchange, w http.ResponseWriter, r *http.Request) {
		zipped := &gzipWriter{ResponseWriter: w}
		x.Next.ServeHTTP(zipped, r)
		_ = zipped.Close() // the client may have gone
	}
}

// Delay lets the request wait before the server gets it.
func Delay(d time.Duration) Effect {
	return func(x Exchange, w http.ResponseWriter, r *http.Request) {
		if wait(x, r, d) {
			x.Next.ServeHTTP(w, r)
		}
	}
}

// Bandwidth lets no more than this many bytes a second through in each
// direction of the exchange, and so of its connection.
func Bandwidth(bytesPerSecond int64) Effect {
	return func(x Exchange, w http.ResponseWriter, r *http.Request) {
		var in, out pacer
		step := pace(bytesPerSecond)
		r.Body = &pacedBody{r.Body, step, func(n int) { in.pace(x, r, n, bytesPerSecond) }}
		x.Next.ServeHTTP(&pacedWriter{w, step, func(n int) { out.pace(x, r, n, bytesPerSecond) }}, r)
	}
}

// pacer lets bytes through in time. A timer that is late by less than lateness
// is made up for: else every piece would be late by as much.
type pacer struct{ due time.Time }

const lateness = 20 * time.Millisecond

func (p *pacer) pace(x Exchange, r *http.Request, n int, bytesPerSecond int64) {
	now := time.Now()
	if p.due.Before(now.Add(-lateness)) {
		p.due = now
	}
	p.due = p.due.Add(time.Duration(n) * time.Second / time.Duration(bytesPerSecond))
	if ahead := p.due.Sub(now); ahead > 0 {
		wait(x, r, ahead)
	}
}

// wait reports whether the time passed before the exchange was over.
func wait(x Exchange, r *http.Request, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-x.Released:
		return true
	case <-r.Context().Done():
		return false
	}
}
