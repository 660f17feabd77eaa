package httpfault

import (
	"io"
	"maps"
	"net/http"
	"strconv"
	"time"
)

// Effect is what happens to a request. It affects only the exchange that it is
// called with, and may be used concurrently.
type Effect func(x Exchange, w http.ResponseWriter, r *http.Request)

// Exchange has what an Effect can use.
type Exchange struct {
	// Next serves the request: it is the server, or the next effect.
	Next http.Handler

	// Released is closed to end stalls.
	Released <-chan struct{}
}

// Status responds with this status, header and body, without calling the
// server. It reads the request's body first, because most clients report an
// earlier response as a broken connection, which is another fault.
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

// XML responds with an error document like that of S3: 403 ExpiredToken, 503
// SlowDown. With status 200 it is a response that turns out to be an error, as
// for CompleteMultipartUpload.
func XML(status int, code string) Effect {
	return Status(status, http.Header{"Content-Type": {"application/xml"}},
		`<?xml version="1.0" encoding="UTF-8"?>`+"\n<Error><Code>"+code+"</Code><Message>httpfault</Message><RequestId>1</RequestId></Error>")
}

// Throttle responds with 429 and a Retry-After, rounded up to seconds.
func Throttle(after time.Duration) Effect {
	seconds := int64((after + time.Second - 1) / time.Second)
	return Status(http.StatusTooManyRequests, http.Header{"Retry-After": {strconv.FormatInt(seconds, 10)}}, "")
}

// HTML responds with a page like that of a proxy.
func HTML(status int) Effect {
	return Status(status, http.Header{"Content-Type": {"text/html"}},
		"<html><head><title>"+http.StatusText(status)+"</title></head><body><h1>"+http.StatusText(status)+"</h1><hr><br></body></html>")
}

// Refuse closes the connection before the request's body is read, which is
// similar to a refused connection.
func Refuse() Effect {
	return func(_ Exchange, w http.ResponseWriter, _ *http.Request) { hangUp(w, false) }
}

// Reset reads the request and resets the connection without a response. The
// server does not get the request.
func Reset() Effect {
	return func(_ Exchange, w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		hangUp(w, true)
	}
}

// LoseAnswer lets the server serve the request, and resets the connection
// instead of responding.
func LoseAnswer() Effect {
	return func(x Exchange, w http.ResponseWriter, r *http.Request) {
		x.Next.ServeHTTP(&nowhere{header: make(http.Header)}, r)
		hangUp(w, true)
	}
}

// ResetAfter resets the connection after n bytes of the response's body.
func ResetAfter(n int64) Effect {
	return func(x Exchange, w http.ResponseWriter, r *http.Request) { cut(x, w, r, n, true) }
}

// Truncate closes the connection normally after n bytes of the response's body,
// although its Content-Length is greater.
func Truncate(n int64) Effect {
	return func(x Exchange, w http.ResponseWriter, r *http.Request) { cut(x, w, r, n, false) }
}

// Shorten ends the response normally after n bytes of its body, without a Content-Length,
// like a proxy that has lost the server, or a server with HTTP/1.0.
func Shorten(n int64) Effect {
	return func(x Exchange, w http.ResponseWriter, r *http.Request) {
		limited := &limitedWriter{ResponseWriter: &chunkedWriter{w}, left: n, atLimit: func() {}}
		x.Next.ServeHTTP(limited, r)
	}
}

// StallAfter sends n bytes of the response's body and then nothing, until the
// client has gone or the layer is cleared; then it closes the connection.
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

// Corrupt changes the byte at offset at of the response's body.
func Corrupt(at int64) Effect {
	return func(x Exchange, w http.ResponseWriter, r *http.Request) {
		x.Next.ServeHTTP(&corruptWriter{ResponseWriter: w, at: at}, r)
	}
}

// IgnoreRange hides the Range from the server, which then sends the whole
// content.
func IgnoreRange() Effect {
	return func(x Exchange, w http.ResponseWriter, r *http.Request) {
		r = r.Clone(r.Context())
		r.Header.Del("Range")
		x.Next.ServeHTTP(w, r)
	}
}

// ContentRange replaces the Content-Range of a response, or removes it if the
// new one is empty.
func ContentRange(span string) Effect {
	return func(x Exchange, w http.ResponseWriter, r *http.Request) {
		x.Next.ServeHTTP(&spanWriter{ResponseWriter: w, span: span}, r)
	}
}

// Chunked sends the response in chunks, without a Content-Length, as a proxy
// may do.
func Chunked() Effect {
	return func(x Exchange, w http.ResponseWriter, r *http.Request) {
		x.Next.ServeHTTP(&chunkedWriter{w}, r)
	}
}

// Gzip compresses the response's body although that was not requested, as a proxy may
// do.
func Gzip() Effect {
	return func(x Exchange, w http.ResponseWriter, r *http.Request) {
		zipped := &gzipWriter{ResponseWriter: w}
		x.Next.ServeHTTP(zipped, r)
		_ = zipped.Close() // the client may have gone
	}
}

// Delay delays the request before the server gets it.
func Delay(d time.Duration) Effect {
	return func(x Exchange, w http.ResponseWriter, r *http.Request) {
		if wait(x, r, d) {
			x.Next.ServeHTTP(w, r)
		}
	}
}

// Bandwidth limits the bytes per second in each direction of the exchange, and
// thus of its connection.
func Bandwidth(bytesPerSecond int64) Effect {
	return func(x Exchange, w http.ResponseWriter, r *http.Request) {
		var in, out pacer
		step := pace(bytesPerSecond)
		r.Body = &pacedBody{r.Body, step, func(n int) { in.pace(x, r, n, bytesPerSecond) }}
		x.Next.ServeHTTP(&pacedWriter{w, step, func(n int) { out.pace(x, r, n, bytesPerSecond) }}, r)
	}
}

// pacer limits the rate of bytes. It compensates for a timer that is late by
// less than lateness; otherwise every piece would be late.
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

// wait reports whether the time passed before the exchange ended.
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
