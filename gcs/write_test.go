package gcs

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/internal/testkit/gcsfake"
	"github.com/ltxstore/ltxstore/internal/testkit/httpfault"
)

// sources are the ways in which a body may come.
var sources = map[string]func(body []byte) io.Reader{
	"seekable": func(body []byte) io.Reader { return bytes.NewReader(body) },
	"sized":    func(body []byte) io.Reader { return bytes.NewBuffer(body) },
	"stream":   func(body []byte) io.Reader { return onlyRead{bytes.NewReader(body)} },
	"halves":   func(body []byte) io.Reader { return iotest.HalfReader(bytes.NewReader(body)) },
}

// One request for what is small, one to begin and one for each chunk for what
// is not.
func TestWriteRequests(t *testing.T) {
	for name, open := range sources {
		for _, tt := range []struct{ size, chunks int }{
			{210, 0}, {testChunk, 0}, {testChunk + 1, 2}, {2 * testChunk, 3}, {5*testChunk + 17, 6},
		} {
			b := newBench(t, gcsfake.Options{}, nil)
			body := ltxBody(t, tt.size)
			info, err := b.write(t, open(body))
			require.NoError(t, err, "%s of %d", name, tt.size)
			assert.EqualValues(t, tt.size, info.Size)
			assert.Equal(t, testTime, info.CreatedAt)
			b.holds(t, body)
			want := map[string]int{"WriteObject": 1}
			if tt.chunks > 0 {
				want = map[string]int{"StartResumableWrite": 1, "WriteChunk": tt.chunks}
			}
			// A body that ends with a chunk needs an empty one: the library
			// learns of its end too late.
			b.counts(t, want)
		}
	}
}

func TestWriteAttributes(t *testing.T) {
	const key = "projects/p/locations/l/keyRings/r/cryptoKeys/k"
	for _, size := range []int{300, 2 * testChunk} {
		b := newBench(t, gcsfake.Options{}, func(cfg *Config) { cfg.StorageClass, cfg.KMSKeyName = "NEARLINE", key })
		_, err := b.write(t, bytes.NewReader(ltxBody(t, size)))
		require.NoError(t, err)
		o, _ := b.server.Get("bucket", testKey)
		assert.Equal(t, map[string]string{"litestream-timestamp": "2024-05-06T07:08:09.123Z", "min-txid": "1", "max-txid": "1", "level": "0"}, o.Metadata)
		assert.Equal(t, "NEARLINE", o.StorageClass)
		assert.Equal(t, key+"/cryptoKeyVersions/1", o.KMSKeyName)
		assert.Equal(t, "application/octet-stream", o.ContentType)
	}
}

func TestWriteOfPlainBody(t *testing.T) {
	at := time.Date(2025, 1, 2, 3, 4, 5, 678_000_000, time.UTC)
	b := newBench(t, gcsfake.Options{Clock: func() time.Time { return at }}, nil)
	info, err := b.write(t, strings.NewReader("plain"))
	require.NoError(t, err)
	assert.Equal(t, at, info.CreatedAt, "the service's time")
	o, _ := b.server.Get("bucket", testKey)
	assert.NotContains(t, o.Metadata, "litestream-timestamp")
}

// A source that fails publishes nothing, also where the service stores a body
// as soon as it looks complete, and ends the session that it had begun.
func TestWriteSourceFails(t *testing.T) {
	failure := errors.New("disk")
	for _, eager := range []bool{false, true} {
		for _, size := range []int{0, 50, 100, 200, testChunk, 3*testChunk + 5} {
			b := newBench(t, gcsfake.Options{Eager: eager}, nil)
			body := ltxBody(t, 4*testChunk)
			_, err := b.write(t, io.MultiReader(bytes.NewReader(body[:size]), iotest.ErrReader(failure)))
			require.ErrorIs(t, err, failure, "after %d", size)
			b.nothing(t)
			if size > testChunk {
				assert.Equal(t, 1, b.faults.Counts()["CancelResumableWrite"])
			}
			assert.Zero(t, b.faults.Counts()["WriteObject"])
		}
	}
}

// A source that is shorter when it is sent than it was is not stored. What a
// service gets of it never looks complete, in whatever order the library's
// goroutines run: also one that checks no checksum stores nothing.
func TestWriteSourceShrinks(t *testing.T) {
	b := newBench(t, gcsfake.Options{Eager: true}, nil)
	for range 50 {
		src, err := os.Create(filepath.Join(t.TempDir(), "source"))
		require.NoError(t, err)
		defer src.Close()
		_, err = src.Write(ltxBody(t, 200_000))
		require.NoError(t, err)
		_, err = src.Seek(0, io.SeekStart)
		require.NoError(t, err)
		sent, complete := false, false
		c := b.client(t, func(cfg *Config) {
			cfg.Retry.MaxAttempts = 1
			cfg.HTTP.RoundTripper = roundTrip(func(req *http.Request) (*http.Response, error) {
				sent = true
				req.Body = &onRead{ReadCloser: req.Body, after: 1000, do: func() { assert.NoError(t, src.Truncate(1500)) }, end: func() { complete = true }}
				return http.DefaultTransport.RoundTrip(req)
			})
		})
		_, err = c.WriteLTXFile(t.Context(), 0, 1, 1, src)
		require.ErrorContains(t, err, "it had 200000 when the write began")
		require.True(t, sent)
		require.False(t, complete)
		b.nothing(t)
	}
}

// onRead calls do after so many bytes, and end at a clean end.
type onRead struct {
	io.ReadCloser
	after   int
	do, end func()
}

func (r *onRead) Read(p []byte) (int, error) {
	n, err := r.ReadCloser.Read(p[:min(len(p), 1000)])
	if r.after -= n; r.after <= 0 {
		r.do()
	}
	if err == io.EOF {
		r.end()
	}
	return n, err
}

// A cancelled write publishes nothing, whatever it was waiting for.
func TestWriteCancelled(t *testing.T) {
	for _, tt := range []struct {
		name, operation string
		size            int
	}{{"small", "WriteObject", 300}, {"session", "StartResumableWrite", 3 * testChunk}, {"chunk", "WriteChunk", 3 * testChunk}} {
		t.Run(tt.name, func(t *testing.T) {
			b := newBench(t, gcsfake.Options{}, nil)
			ctx, cancel := context.WithCancelCause(t.Context())
			cause := errors.New("shutting down")
			b.fail(tt.operation, -1, func(x httpfault.Exchange, w http.ResponseWriter, r *http.Request) {
				_, _ = io.Copy(io.Discard, r.Body) // else the server does not see that the client is gone
				cancel(cause)
				<-r.Context().Done()
			})
			_, err := b.WriteLTXFile(ctx, 0, 1, 1, bytes.NewReader(ltxBody(t, tt.size)))
			require.ErrorIs(t, err, context.Canceled)
			require.ErrorIs(t, err, cause)
			b.nothing(t)
		})
	}
}

// An answer that is lost is no failure: the same bytes are written again, or
// found with WriteOnce.
func TestWriteLostAnswer(t *testing.T) {
	for _, once := range []bool{false, true} {
		b := newBench(t, gcsfake.Options{}, func(cfg *Config) { cfg.WriteOnce = once })
		b.fail("WriteObject", 1, httpfault.LoseAnswer())
		body := ltxBody(t, 300)
		_, err := b.write(t, bytes.NewReader(body))
		require.NoError(t, err)
		b.holds(t, body)
		if once {
			b.counts(t, map[string]int{"WriteObject": 1, "GetObject": 1})
		} else {
			b.counts(t, map[string]int{"WriteObject": 2})
		}

		b = newBench(t, gcsfake.Options{}, func(cfg *Config) { cfg.WriteOnce = once })
		b.fail("StartResumableWrite", 1, httpfault.LoseAnswer())
		b.faults.Add(&httpfault.Rule{Match: httpfault.Match{Operation: "WriteChunk"}, Skip: 1, Do: httpfault.LoseAnswer()}, // the second chunk
			&httpfault.Rule{Match: httpfault.Match{Operation: "WriteChunk"}, Skip: 3, Do: httpfault.LoseAnswer()}) // and the last
		body = ltxBody(t, 2*testChunk+17)
		_, err = b.write(t, onlyRead{bytes.NewReader(body)})
		require.NoError(t, err)
		o, _ := b.server.Get("bucket", testKey)
		assert.True(t, bytes.Equal(body, o.Body), "no chunk is stored twice")
		b.counts(t, map[string]int{"StartResumableWrite": 2, "WriteChunk": 5})
	}
}

func TestWriteOnceSettles(t *testing.T) {
	for _, size := range []int{300, 3*testChunk + 5} {
		body := ltxBody(t, size)
		other := bytes.Clone(body)
		other[len(other)-1]++
		for name, tt := range map[string]struct {
			there []byte
			want  error
		}{"same": {body, nil}, "other": {other, fs.ErrExist}, "longer": {append(bytes.Clone(body), 0), fs.ErrExist}} {
			for source, open := range sources {
				b := newBench(t, gcsfake.Options{}, func(cfg *Config) { cfg.WriteOnce = true })
				b.server.Put("bucket", testKey, tt.there)
				info, err := b.write(t, open(body))
				b.holds(t, tt.there)
				assert.Equal(t, 1, b.faults.Counts()["GetObject"])
				if tt.want == nil {
					require.NoError(t, err, "%s, %s", name, source)
					assert.EqualValues(t, size, info.Size)
					continue
				}
				require.ErrorIs(t, err, tt.want, "%s, %s", name, source)
				assert.ErrorContains(t, err, testKey)
				assert.False(t, ltxstore.IsRetryable(err))
			}
		}
	}
}

// A name that was refused and is free is tried again: a deletion was under way.
func TestWriteOnceRaced(t *testing.T) {
	b := newBench(t, gcsfake.Options{}, func(cfg *Config) { cfg.WriteOnce = true })
	b.fail("WriteObject", 1, httpfault.Status(412, nil, `{"error":{"code":412,"errors":[{"reason":"conditionNotMet"}]}}`))
	body := ltxBody(t, 300)
	_, err := b.write(t, bytes.NewReader(body))
	require.NoError(t, err)
	b.holds(t, body)
	b.counts(t, map[string]int{"WriteObject": 2, "GetObject": 1})
}

// An answer that tells of other content than was sent is no success.
func TestWriteAnswerDiffers(t *testing.T) {
	for _, size := range []int{300, 2*testChunk + 1} {
		for field, value := range map[string]string{"size": `"size":"7"`, "checksum": `"crc32c":"AAAAAA=="`} {
			b := newBench(t, gcsfake.Options{}, nil)
			for _, operation := range []string{"WriteObject", "WriteChunk"} {
				skip := map[string]int{"WriteObject": 0, "WriteChunk": 2}[operation]
				b.faults.Add(&httpfault.Rule{Match: httpfault.Match{Operation: operation}, Skip: skip, Times: -1,
					Do: httpfault.Status(200, nil, `{"kind":"storage#object","name":"`+testKey+`",`+value+`}`)})
			}
			_, err := b.write(t, bytes.NewReader(ltxBody(t, size)))
			require.ErrorIs(t, err, ltxstore.ErrChecksum, "%s of %d", field, size)
			assert.False(t, ltxstore.IsRetryable(err))
		}
	}
}

// What was published of other content is deleted, and nothing that came later.
func TestWriteOfOtherContentIsRetracted(t *testing.T) {
	for _, size := range []int{300, 2*testChunk + 1} {
		for _, replaced := range []bool{false, true} {
			b := newBench(t, gcsfake.Options{}, nil)
			for operation, skip := range map[string]int{"WriteObject": 0, "WriteChunk": 2} {
				b.faults.Add(&httpfault.Rule{Match: httpfault.Match{Operation: operation}, Skip: skip,
					Do: func(x httpfault.Exchange, w http.ResponseWriter, r *http.Request) {
						told := httptest.NewRecorder()
						x.Next.ServeHTTP(told, r)
						if replaced {
							b.server.Put("bucket", testKey, []byte("later"))
						}
						answer := regexp.MustCompile(`"crc32c":\s*"[^"]*"`).ReplaceAll(told.Body.Bytes(), []byte(`"crc32c":"AAAAAA=="`))
						require.NotEqual(t, told.Body.Bytes(), answer)
						w.Header().Set("Content-Type", "application/json")
						_, _ = w.Write(answer)
					}})
			}
			_, err := b.write(t, bytes.NewReader(ltxBody(t, size)))
			require.ErrorIs(t, err, ltxstore.ErrChecksum)
			if replaced {
				b.holds(t, []byte("later"))
			} else {
				assert.Empty(t, b.server.Keys("bucket"))
			}
			assert.Equal(t, 1, b.faults.Counts()["DeleteObject"])
		}
	}
}

// A session that the service has forgotten is no missing file, and worth
// another try of the caller's.
func TestWriteSessionLost(t *testing.T) {
	for _, status := range []int{404, 410} {
		b := newBench(t, gcsfake.Options{}, nil)
		b.fail("WriteChunk", -1, httpfault.Status(status, nil, ""))
		_, err := b.write(t, bytes.NewReader(ltxBody(t, 3*testChunk)))
		require.ErrorIs(t, err, ltxstore.ErrUnavailable)
		assert.NotErrorIs(t, err, fs.ErrNotExist)
		assert.NotErrorIs(t, err, ltxstore.ErrStoreNotFound)
	}
}

// A session that is gone because its last chunk has arrived, whose answer was
// lost, has stored the file.
func TestWriteSessionDone(t *testing.T) {
	b := newBench(t, gcsfake.Options{}, nil)
	b.faults.Add(&httpfault.Rule{Match: httpfault.Match{Operation: "WriteChunk"}, Skip: 2, Do: httpfault.LoseAnswer()},
		&httpfault.Rule{Match: httpfault.Match{Operation: "WriteChunk"}, Skip: 3, Times: -1, Do: httpfault.Status(404, nil, "")})
	body := ltxBody(t, 2*testChunk+1)
	info, err := b.write(t, bytes.NewReader(body))
	require.NoError(t, err)
	assert.EqualValues(t, len(body), info.Size)
	b.holds(t, body)
	assert.Equal(t, 1, b.faults.Counts()["GetObject"])
}

func TestWriteIsRetriedInOneLayer(t *testing.T) {
	for _, tt := range []struct {
		operation string
		size      int
		want      map[string]int
	}{
		{"WriteObject", 300, map[string]int{"WriteObject": 3}},
		{"StartResumableWrite", 2 * testChunk, map[string]int{"StartResumableWrite": 3}},
		{"WriteChunk", 2 * testChunk, map[string]int{"StartResumableWrite": 1, "WriteChunk": 3, "CancelResumableWrite": 1}},
	} {
		b := newBench(t, gcsfake.Options{}, nil)
		b.fail(tt.operation, -1, httpfault.Status(503, nil, ""))
		_, err := b.write(t, bytes.NewReader(ltxBody(t, tt.size)))
		require.ErrorIs(t, err, ltxstore.ErrThrottled)
		b.counts(t, tt.want)
		b.nothing(t)
	}
}
