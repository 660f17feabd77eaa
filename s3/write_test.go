package s3

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"testing/iotest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/internal/testkit/httpfault"
	"github.com/ltxstore/ltxstore/internal/testkit/race"
	"github.com/ltxstore/ltxstore/internal/testkit/s3fake"
)

// writeSources are the readers of clause W5.
var writeSources = map[string]func(t *testing.T, b []byte) io.Reader{
	"bytes.Reader":   func(_ *testing.T, b []byte) io.Reader { return bytes.NewReader(b) },
	"strings.Reader": func(_ *testing.T, b []byte) io.Reader { return strings.NewReader(string(b)) },
	"seeker":         func(_ *testing.T, b []byte) io.Reader { return onlySeek{bytes.NewReader(b)} },
	"after a seek": func(t *testing.T, b []byte) io.Reader {
		r := bytes.NewReader(append([]byte("before"), b...))
		_, err := r.Seek(6, io.SeekStart)
		require.NoError(t, err)
		return r
	},
	"file": func(t *testing.T, b []byte) io.Reader {
		path := filepath.Join(t.TempDir(), "f")
		require.NoError(t, os.WriteFile(path, append([]byte("before"), b...), 0o600))
		f, err := os.Open(path)
		require.NoError(t, err)
		t.Cleanup(func() { f.Close() })
		_, err = f.Seek(6, io.SeekStart)
		require.NoError(t, err)
		return f
	},
	"bytes.Buffer":  func(_ *testing.T, b []byte) io.Reader { return bytes.NewBuffer(bytes.Clone(b)) },
	"reader":        func(_ *testing.T, b []byte) io.Reader { return onlyRead{bytes.NewReader(b)} },
	"half":          func(_ *testing.T, b []byte) io.Reader { return iotest.HalfReader(onlyRead{bytes.NewReader(b)}) },
	"data with EOF": func(_ *testing.T, b []byte) io.Reader { return iotest.DataErrReader(bytes.NewReader(b)) },
}

func TestWriteAnySourceOfAnySize(t *testing.T) {
	runs := race.OneOf(3)
	for name, open := range writeSources {
		for _, size := range []int{1, 101, 4096, 8 << 10, 8<<10 + 1, writePart - 1, writePart, writePart + 1, 2*writePart - 1, 2 * writePart, 5*writePart + 17, 20 * writePart} {
			if !runs() {
				continue
			}
			t.Run(fmt.Sprintf("%s/%d", name, size), func(t *testing.T) {
				w := newWriteBench(t, s3fake.Options{}, nil)
				body := plainBody(size)
				if size > 100 {
					body = ltxBody(t, size)
				}
				src := open(t, body)
				info, err := w.write(t, src)
				require.NoError(t, err)
				assert.EqualValues(t, size, info.Size)
				w.holds(t, body)
				n, err := src.Read(make([]byte, 1))
				assert.Zero(t, n)
				assert.Equal(t, io.EOF, err, "read to its end")
				if size <= writePart {
					assert.Equal(t, map[string]int{"PutObject": 1}, w.faults.Counts())
				}
				o, _ := w.server.Get("bucket", writeKey)
				assert.Equal(t, "1", o.Header.Get("X-Amz-Meta-Min-Txid"))
				if size > 100 {
					assert.Equal(t, writeTime, info.CreatedAt)
					assert.Equal(t, "2024-05-06T07:08:09.123Z", o.Header.Get("X-Amz-Meta-Litestream-Timestamp"))
				} else {
					assert.WithinDuration(t, time.Now(), info.CreatedAt, time.Minute)
					assert.Equal(t, time.UTC, info.CreatedAt.Location())
					assert.Empty(t, o.Header.Get("X-Amz-Meta-Litestream-Timestamp"))
				}
			})
		}
	}
}

func TestWriteRefusals(t *testing.T) {
	w := newWriteBench(t, s3fake.Options{}, nil)
	for name, r := range map[string]io.Reader{
		"nil": nil, "empty": bytes.NewReader(nil), "empty stream": onlyRead{bytes.NewReader(nil)},
		"cut header": strings.NewReader("LTX1"), "other TXIDs": bytes.NewReader(ltxBody(t, 100)),
	} {
		_, err := w.WriteLTXFile(t.Context(), 0, 2, 2, r)
		require.ErrorIs(t, err, fs.ErrInvalid, name)
	}
	_, err := w.WriteLTXFile(t.Context(), 0, 3, 2, strings.NewReader("x"))
	require.ErrorIs(t, err, fs.ErrInvalid)
	_, err = w.WriteLTXFile(t.Context(), -1, 2, 2, strings.NewReader("x"))
	require.ErrorIs(t, err, fs.ErrInvalid)
	ctx, cancel := cancelled(t)
	cancel()
	src := &countedSource{Reader: strings.NewReader("x")}
	_, err = w.WriteLTXFile(ctx, 0, 2, 2, src)
	require.ErrorIs(t, err, context.Canceled)
	assert.Zero(t, src.reads)
	assert.Zero(t, w.faults.Requests())
}

// The thresholds: what is one request, and that a larger threshold than the
// part size is cut into parts.
func TestThresholdAbovePartSize(t *testing.T) {
	for _, open := range []func([]byte) io.Reader{
		func(b []byte) io.Reader { return bytes.NewReader(b) },
		func(b []byte) io.Reader { return onlyRead{bytes.NewReader(b)} },
	} {
		w := newWriteBench(t, s3fake.Options{MinPart: writePart}, func(r *replica) { r.cfg.Transfer.UploadThreshold = 5*writePart + 3 })
		_, err := w.write(t, open(plainBody(5*writePart+3)))
		require.NoError(t, err)
		assert.Equal(t, map[string]int{"PutObject": 1}, w.faults.Counts())
		w.faults.Reset()
		body := plainBody(5*writePart + 4)
		_, err = w.write(t, open(body))
		require.NoError(t, err)
		assert.Equal(t, map[string]int{"CreateMultipartUpload": 1, "UploadPart": 6, "CompleteMultipartUpload": 1}, w.faults.Counts())
		w.holds(t, body)
	}
}

func TestSourceFailsAtEachStage(t *testing.T) {
	boom := errors.New("boom")
	body := ltxBody(t, 6*writePart)
	kinds := map[string]func(failAt) (io.Reader, *failAt){
		"stream": func(f failAt) (io.Reader, *failAt) { return &f, &f },
		"seekable": func(f failAt) (io.Reader, *failAt) {
			s := &seekFailAt{f}
			return s, &s.failAt
		},
	}
	for _, size := range []int{writePart / 2, 6 * writePart} {
		for name, kind := range kinds {
			for _, at := range []int{0, 50, 100, writePart/2 - 1, writePart - 1, writePart, writePart + 1, 3*writePart + 5, 6*writePart - 1} {
				if at >= size {
					continue
				}
				t.Run(fmt.Sprintf("%d/%s/%d", size, name, at), func(t *testing.T) {
					w := newWriteBench(t, s3fake.Options{}, nil)
					r, f := kind(failAt{b: body[:size], at: at, fail: func() error { return boom }})
					_, err := w.write(t, r)
					require.ErrorIs(t, err, boom)
					assert.False(t, ltxstore.IsRetryable(err))
					assert.Equal(t, 1, f.done, "not read after its failure")
					w.nothing(t)

					// An older file stays, and the abort is sent under a context that lives.
					w.server.Put("bucket", writeKey, []byte("older"))
					ctx, cancel := cancelled(t)
					r, _ = kind(failAt{b: body[:size], at: at, fail: func() error { cancel(); return nil }})
					_, err = w.WriteLTXFile(ctx, 0, 1, 1, r)
					require.ErrorIs(t, err, context.Canceled)
					w.holds(t, []byte("older"))

					r, _ = kind(failAt{b: body[:size], at: at, fail: func() error { panic("boom") }})
					assert.PanicsWithValue(t, "boom", func() { _, _ = w.write(t, r) })
					w.holds(t, []byte("older"))
				})
			}
		}
	}
}

func TestFailedRequestsOfAnUpload(t *testing.T) {
	body := plainBody(8 * writePart)
	for _, open := range []func() io.Reader{
		func() io.Reader { return bytes.NewReader(body) },
		func() io.Reader { return onlyRead{bytes.NewReader(body)} },
	} {
		for _, operation := range []string{"CreateMultipartUpload", "UploadPart", "CompleteMultipartUpload"} {
			w := newWriteBench(t, s3fake.Options{}, nil)
			w.faults.Add(&httpfault.Rule{Match: httpfault.Match{Operation: operation}, Times: -1, Do: httpfault.XML(403, "AccessDenied")})
			_, err := w.write(t, open())
			require.ErrorIs(t, err, fs.ErrPermission, operation)
			w.nothing(t)
			if operation != "CreateMultipartUpload" {
				assert.Equal(t, 1, w.faults.Counts()["AbortMultipartUpload"])
			}
		}
		w := newWriteBench(t, s3fake.Options{}, nil)
		w.faults.Add(&httpfault.Rule{Match: httpfault.Match{Operation: "CompleteMultipartUpload"}, Times: -1, Do: httpfault.XML(200, "InternalError")})
		_, err := w.write(t, open())
		require.ErrorIs(t, err, ltxstore.ErrUnavailable, "200 with an error in it")
		w.nothing(t)
	}
}

func TestReadingStopsWhenAPartFails(t *testing.T) {
	w := newWriteBench(t, s3fake.Options{}, nil)
	w.faults.Add(&httpfault.Rule{Match: httpfault.Match{Operation: "UploadPart"}, Times: -1, Do: httpfault.XML(403, "AccessDenied")})
	f := &failAt{b: make([]byte, 64<<20), at: 64 << 20}
	_, err := w.write(t, f)
	require.ErrorIs(t, err, fs.ErrPermission)
	assert.Less(t, f.pos, 16*writePart, "the rest is not read for nothing")
	w.nothing(t)
}

func TestCancelWhileAPartStalls(t *testing.T) {
	w := newWriteBench(t, s3fake.Options{}, nil)
	stalled := make(chan struct{}, 100)
	w.faults.Add(&httpfault.Rule{Match: httpfault.Match{Operation: "UploadPart"}, Times: -1,
		Do: func(_ httpfault.Exchange, _ http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body)
			stalled <- struct{}{}
			<-r.Context().Done()
		}})
	ctx, cancel := cancelled(t)
	go func() {
		<-stalled
		cancel()
	}()
	_, err := w.WriteLTXFile(ctx, 0, 1, 1, onlyRead{bytes.NewReader(plainBody(9 * writePart))})
	require.ErrorIs(t, err, context.Canceled)
	w.nothing(t)
	assert.Equal(t, 1, w.faults.Counts()["AbortMultipartUpload"])
}

// A caller that gives up while the service begins an upload does not leave one
// that nobody knows of.
func TestCancelWhileAnUploadBegins(t *testing.T) {
	w := newWriteBench(t, s3fake.Options{}, nil)
	ctx, cancel := cancelled(t)
	w.faults.Add(&httpfault.Rule{Match: httpfault.Match{Operation: "CreateMultipartUpload"},
		Do: func(x httpfault.Exchange, rw http.ResponseWriter, r *http.Request) {
			cancel()
			x.Next.ServeHTTP(rw, r)
		}})
	_, err := w.WriteLTXFile(ctx, 0, 1, 1, bytes.NewReader(plainBody(2*writePart)))
	require.ErrorIs(t, err, context.Canceled)
	w.nothing(t)
	assert.Equal(t, map[string]int{"CreateMultipartUpload": 1, "AbortMultipartUpload": 1, "ListParts": 1}, w.faults.Counts())
}

func TestRequestsAreRepeatedWithTheWholeBody(t *testing.T) {
	for name, open := range writeSources {
		for _, size := range []int{writePart, 3*writePart + 1} {
			w := newWriteBench(t, s3fake.Options{}, nil)
			for _, operation := range []string{"PutObject", "UploadPart", "CreateMultipartUpload"} {
				w.faults.Add(&httpfault.Rule{Match: httpfault.Match{Operation: operation}, Do: httpfault.XML(500, "InternalError")})
			}
			w.faults.Add(&httpfault.Rule{Match: httpfault.Match{Operation: "UploadPart"}, Skip: 1, Do: httpfault.Reset()})
			body := ltxBody(t, size)
			_, err := w.write(t, open(t, body))
			require.NoError(t, err, name)
			w.server.Uploads("bucket")
			o, _ := w.server.Get("bucket", writeKey)
			assert.True(t, bytes.Equal(body, o.Body), name)
		}
	}
}

func TestCompletionAfterALostAnswer(t *testing.T) {
	w := newWriteBench(t, s3fake.Options{}, nil)
	w.faults.Add(&httpfault.Rule{Match: httpfault.Match{Operation: "CompleteMultipartUpload"}, Do: httpfault.LoseAnswer()})
	body := plainBody(3 * writePart)
	info, err := w.write(t, bytes.NewReader(body))
	require.NoError(t, err)
	assert.False(t, info.CreatedAt.IsZero())
	w.holds(t, body)

	// Without the object it is no success.
	w = newWriteBench(t, s3fake.Options{}, nil)
	w.faults.Add(&httpfault.Rule{Match: httpfault.Match{Operation: "CompleteMultipartUpload"}, Do: httpfault.XML(404, "NoSuchUpload")})
	_, err = w.write(t, bytes.NewReader(body))
	require.ErrorIs(t, err, ltxstore.ErrUnavailable)
	assert.NotErrorIs(t, err, fs.ErrNotExist)
	w.nothing(t)
}

// A seekable source is read in place: no buffer of its size is allocated, and
// what multipart reads from a file, neither.
func TestSeekableSourceIsNotCopied(t *testing.T) {
	body := plainBody(8 << 20)
	w := newWriteBench(t, s3fake.Options{}, func(r *replica) { r.cfg.Transfer.UploadThreshold, r.cfg.Transfer.PartSize = 16<<20, 4<<20 })
	src := &seekFailAt{failAt{b: body, at: len(body), fail: func() error { return io.EOF }}}
	_, err := w.write(t, src)
	require.NoError(t, err)
	w.holds(t, body)
}

func TestSourceShrinks(t *testing.T) {
	for _, size := range []int{writePart, 4 * writePart} {
		path := filepath.Join(t.TempDir(), "f")
		require.NoError(t, os.WriteFile(path, plainBody(size), 0o600))
		f, err := os.Open(path)
		require.NoError(t, err)
		defer f.Close()
		truncated := false
		w := newWriteBench(t, s3fake.Options{}, func(r *replica) {
			r.cfg.ContentMD5 = MD5Always
			r.api = s3.New(r.api.Options(), func(o *s3.Options) {
				o.Credentials = aws.CredentialsProviderFunc(func(ctx context.Context) (aws.Credentials, error) {
					if !truncated {
						truncated = true
						assert.NoError(t, os.Truncate(path, int64(size/2)))
					}
					return aws.Credentials{AccessKeyID: "AK", SecretAccessKey: "SK"}, nil
				})
			})
		})
		_, err = w.write(t, f)
		require.ErrorContains(t, err, "body ends after")
		assert.False(t, ltxstore.IsRetryable(err))
		w.nothing(t)
	}
}

func TestOptionsReachTheWire(t *testing.T) {
	for _, size := range []int{100, 3 * writePart} {
		w := newWriteBench(t, s3fake.Options{}, func(r *replica) {
			r.cfg.StorageClass = "STANDARD_IA"
			r.cfg.SSE, r.cfg.KMSKeyID = sseKMS, "key-1"
			r.cfg.KMSContext = map[string]string{"a": "b"}
			r.cfg.Tags = map[string]string{"b": "2 3", "a": "1&"}
			r.cfg.ContentMD5 = MD5Always
			r.cfg.ChecksumAlgorithm = "sha256"
		})
		w.faults.Record()
		body := plainBody(size)
		_, err := w.write(t, bytes.NewReader(body))
		require.NoError(t, err)
		w.holds(t, body)
		for _, e := range w.faults.Log() {
			if e.Operation == "PutObject" || e.Operation == "CreateMultipartUpload" {
				assert.Equal(t, "STANDARD_IA", e.Header.Get("X-Amz-Storage-Class"))
				assert.Equal(t, "aws:kms", e.Header.Get("X-Amz-Server-Side-Encryption"))
				assert.Equal(t, "key-1", e.Header.Get("X-Amz-Server-Side-Encryption-Aws-Kms-Key-Id"))
				assert.Equal(t, "eyJhIjoiYiJ9", e.Header.Get("X-Amz-Server-Side-Encryption-Context"))
				assert.Equal(t, "a=1%26&b=2+3", e.Header.Get("X-Amz-Tagging"))
			}
			if e.Operation == "PutObject" || e.Operation == "UploadPart" {
				assert.NotEmpty(t, e.Header.Get("Content-Md5"))
				assert.NotEmpty(t, e.Header.Get("X-Amz-Checksum-Sha256"))
				assert.NotEmpty(t, e.Header.Get("Content-Length"))
			}
		}
	}
}

func TestChecksumAlgorithms(t *testing.T) {
	for _, algorithm := range []string{"crc32", "crc32c", "crc64nvme", "sha256", "none"} {
		for _, size := range []int{100, 3*writePart + 1} {
			w := newWriteBench(t, s3fake.Options{}, func(r *replica) { r.cfg.ChecksumAlgorithm = algorithm })
			body := plainBody(size)
			_, err := w.write(t, onlyRead{bytes.NewReader(body)})
			require.NoError(t, err, "%s %d", algorithm, size)
			w.holds(t, body)
			o, _ := w.server.Get("bucket", writeKey)
			if algorithm != "none" {
				assert.NotEmpty(t, o.Checksums[algorithm], "%v", o.Checksums)
			}
		}
	}
}

// At most Concurrency parts are under way, the one that is being read included.
func TestStreamMemory(t *testing.T) {
	w := newWriteBench(t, s3fake.Options{}, nil)
	var answered atomic.Int64
	var flying, most atomic.Int64
	w.faults.Add(&httpfault.Rule{Match: httpfault.Match{Operation: "UploadPart"}, Times: -1,
		Do: func(x httpfault.Exchange, rw http.ResponseWriter, r *http.Request) {
			now := flying.Add(1)
			for was := most.Load(); now > was && !most.CompareAndSwap(was, now); was = most.Load() {
			}
			rec := httptest.NewRecorder()
			x.Next.ServeHTTP(rec, r)
			flying.Add(-1)
			answered.Add(1) // before the client can know
			maps.Copy(rw.Header(), rec.Header())
			rw.WriteHeader(rec.Code)
			_, _ = rec.Body.WriteTo(rw)
		}})
	f := &failAt{b: plainBody(40 * writePart), at: 40 * writePart, fail: func() error { return nil }}
	src := &countedSource{Reader: f, after: func() {
		inMemory := int64(f.pos) - answered.Load()*writePart
		assert.LessOrEqual(t, inMemory, int64(w.rep.cfg.Transfer.Concurrency)*writePart)
	}}
	_, err := w.write(t, src)
	require.NoError(t, err)
	w.holds(t, f.b)
	assert.LessOrEqual(t, most.Load(), int64(w.rep.cfg.Transfer.Concurrency))
	assert.EqualValues(t, 40, answered.Load())
}

// Over TLS the SDK sends checksums behind the body.
func TestWriteOverTLS(t *testing.T) {
	for name, open := range writeSources {
		for _, size := range []int{4096, 3*writePart + 5} {
			fake := s3fake.New(s3fake.Options{MinPart: 1}, "bucket")
			faults := httpfault.New(fake)
			faults.Record()
			faults.Name(s3fake.Operation)
			server := httptest.NewTLSServer(faults)
			defer server.Close()
			client, _ := writeClient(t, server.URL, func(r *replica) {
				r.cfg.SSECustomerKey = bytes.Repeat([]byte("k"), 32)
				options := r.api.Options()
				options.HTTPClient = server.Client()
				r.api = s3.New(options)
			})
			for _, operation := range []string{"PutObject", "UploadPart"} {
				faults.Add(&httpfault.Rule{Match: httpfault.Match{Operation: operation}, Do: httpfault.XML(500, "InternalError")})
			}
			body := ltxBody(t, size)
			_, err := client.WriteLTXFile(t.Context(), 0, 1, 1, open(t, body))
			require.NoError(t, err, name)
			o, _ := fake.Get("bucket", writeKey)
			assert.True(t, bytes.Equal(body, o.Body), name)
			assert.Empty(t, fake.Uploads("bucket"))
			for _, e := range faults.Log() {
				if e.Operation == "PutObject" || e.Operation == "UploadPart" {
					assert.Equal(t, "STREAMING-UNSIGNED-PAYLOAD-TRAILER", e.Header.Get("X-Amz-Content-Sha256"))
					assert.NotEmpty(t, e.Header.Get("X-Amz-Server-Side-Encryption-Customer-Key"))
				}
			}
		}
	}
}

// An answer without a date is made up for with what the object says.
func TestTimeOfAnAnswerWithoutADate(t *testing.T) {
	for _, size := range []int{10, 2 * writePart} {
		at := time.Date(2020, 1, 2, 3, 4, 5, 0, time.UTC)
		w := newWriteBench(t, s3fake.Options{Clock: func() time.Time { return at }}, nil)
		w.faults.Add(&httpfault.Rule{Match: httpfault.Match{Func: func(r *http.Request) bool { return r.Method != http.MethodHead }}, Times: -1,
			Do: func(x httpfault.Exchange, rw http.ResponseWriter, r *http.Request) {
				rw.Header()["Date"] = nil
				x.Next.ServeHTTP(rw, r)
			}})
		info, err := w.write(t, bytes.NewReader(plainBody(size)))
		require.NoError(t, err)
		assert.Equal(t, at, info.CreatedAt)
		assert.Equal(t, 1, w.faults.Counts()["HeadObject"])

		w.faults.Reset()
		_, err = w.write(t, bytes.NewReader(ltxBody(t, 1000)))
		require.NoError(t, err)
		assert.Equal(t, map[string]int{"PutObject": 1}, w.faults.Counts(), "the header has the time")
	}
}

// A completion without a result is not believed.
func TestCompletionWithoutAnETag(t *testing.T) {
	body := plainBody(3 * writePart)
	empty := func(really bool) httpfault.Effect {
		return func(x httpfault.Exchange, rw http.ResponseWriter, r *http.Request) {
			if really {
				x.Next.ServeHTTP(httptest.NewRecorder(), r)
			}
			_, _ = io.WriteString(rw, "<CompleteMultipartUploadResult></CompleteMultipartUploadResult>")
		}
	}
	w := newWriteBench(t, s3fake.Options{}, nil)
	w.faults.Add(&httpfault.Rule{Match: httpfault.Match{Operation: "CompleteMultipartUpload"}, Do: empty(true)})
	_, err := w.write(t, bytes.NewReader(body))
	require.NoError(t, err)
	w.holds(t, body)

	w = newWriteBench(t, s3fake.Options{}, nil)
	w.faults.Add(&httpfault.Rule{Match: httpfault.Match{Operation: "CompleteMultipartUpload"}, Do: empty(false)})
	_, err = w.write(t, bytes.NewReader(body))
	require.ErrorIs(t, err, ltxstore.ErrUnavailable)
	assert.NotErrorIs(t, err, fs.ErrNotExist)
	w.nothing(t)

	w.server.Put("bucket", writeKey, []byte("older"))
	w.faults.Add(&httpfault.Rule{Match: httpfault.Match{Operation: "CompleteMultipartUpload"}, Do: empty(false)})
	_, err = w.write(t, bytes.NewReader(body))
	require.ErrorIs(t, err, ltxstore.ErrChecksum)
	w.holds(t, []byte("older"))
}

// A source's broken connection is not the store's.
func TestSourceFailureIsNotAStoreFailure(t *testing.T) {
	w := newWriteBench(t, s3fake.Options{}, nil)
	_, err := w.write(t, iotest.ErrReader(io.ErrUnexpectedEOF))
	require.ErrorIs(t, err, io.ErrUnexpectedEOF)
	assert.NotErrorIs(t, err, ltxstore.ErrUnavailable)
	w.nothing(t)
}
