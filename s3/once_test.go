package s3

import (
	"bytes"
	"io"
	"io/fs"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/internal/testkit/httpfault"
	"github.com/ltxstore/ltxstore/internal/testkit/s3fake"
)

func writeOnce(r *replica) { r.cfg.WriteOnce = true }

// onceBodies are bodies of one request and of several, in place and streamed.
func onceBodies(run func(body []byte, open func([]byte) io.Reader, commit string)) {
	for _, size := range []int{5000, 3 * writePart} {
		commit := "PutObject"
		if size > writePart {
			commit = "CompleteMultipartUpload"
		}
		run(plainBody(size), func(b []byte) io.Reader { return bytes.NewReader(b) }, commit)
		run(plainBody(size), func(b []byte) io.Reader { return onlyRead{bytes.NewReader(b)} }, commit)
	}
}

func TestWriteOnce(t *testing.T) {
	onceBodies(func(body []byte, open func([]byte) io.Reader, _ string) {
		w := newWriteBench(t, s3fake.Options{}, writeOnce)
		first, err := w.write(t, open(body))
		require.NoError(t, err)
		again, err := w.write(t, open(body))
		require.NoError(t, err, "the same content")
		assert.Equal(t, first.Size, again.Size)
		assert.False(t, again.CreatedAt.IsZero())

		other := bytes.Clone(body)
		other[len(other)-1]++
		for _, b := range [][]byte{other, body[:len(body)-1], append(bytes.Clone(body), 1)} {
			_, err = w.write(t, open(b))
			require.ErrorIs(t, err, fs.ErrExist)
			assert.False(t, ltxstore.IsRetryable(err))
			var e *ltxstore.Error
			require.ErrorAs(t, err, &e)
			assert.Equal(t, fs.ErrExist, e.Kind)
		}
		w.holds(t, body)
	})
}

func TestWriteOnceReplacesNoTornUpload(t *testing.T) {
	w := newWriteBench(t, s3fake.Options{}, writeOnce)
	w.server.Put("bucket", writeKey, nil)
	_, err := w.write(t, strings.NewReader("x"))
	require.ErrorIs(t, err, fs.ErrExist)
}

// The answer is lost, or the connection is reset every time: what is there
// decides.
func TestWriteOnceSettlesLostAnswers(t *testing.T) {
	onceBodies(func(body []byte, open func([]byte) io.Reader, commit string) {
		for _, effect := range []httpfault.Effect{httpfault.LoseAnswer(), httpfault.Reset(), httpfault.XML(409, "ConditionalRequestConflict"), httpfault.XML(500, "InternalError")} {
			w := newWriteBench(t, s3fake.Options{}, writeOnce)
			w.faults.Add(&httpfault.Rule{Match: httpfault.Match{Operation: commit}, Do: effect})
			_, err := w.write(t, open(body))
			require.NoError(t, err)
			w.holds(t, body)
			assert.Zero(t, w.faults.Unused())
		}

		w := newWriteBench(t, s3fake.Options{}, writeOnce)
		w.faults.Add(&httpfault.Rule{Match: httpfault.Match{Operation: commit}, Times: -1, Do: httpfault.LoseAnswer()})
		_, err := w.write(t, open(body))
		require.NoError(t, err, "the first has been stored")
		w.holds(t, body)

		w = newWriteBench(t, s3fake.Options{}, writeOnce)
		w.faults.Add(&httpfault.Rule{Match: httpfault.Match{Operation: commit}, Times: -1, Do: httpfault.Reset()})
		_, err = w.write(t, open(body))
		require.ErrorIs(t, err, ltxstore.ErrUnavailable, "nothing is there")
		w.nothing(t)

		other := bytes.Repeat([]byte("o"), len(body))
		w.server.Put("bucket", writeKey, other)
		_, err = w.write(t, open(body))
		require.ErrorIs(t, err, fs.ErrExist, "another file is there")
		w.holds(t, other)

		w.server.Put("bucket", writeKey, body)
		_, err = w.write(t, open(body))
		require.NoError(t, err, "the same file is there")
		w.holds(t, body)
	})
}

func TestWriteOnceCannotSettle(t *testing.T) {
	w := newWriteBench(t, s3fake.Options{}, writeOnce)
	w.server.Put("bucket", writeKey, []byte("x"))
	w.faults.Add(&httpfault.Rule{Match: httpfault.Match{Operation: "HeadObject"}, Times: -1, Do: httpfault.Status(403, nil, "")})
	_, err := w.write(t, strings.NewReader("x"))
	require.ErrorContains(t, err, "unknown whether the file exists")
	assert.NotErrorIs(t, err, fs.ErrExist)

	w.faults.Clear()
	w.faults.Add(&httpfault.Rule{Match: httpfault.Match{Operation: "PutObject"}, Times: -1, Do: httpfault.XML(403, "AccessDenied")})
	w.faults.Reset()
	_, err = w.write(t, strings.NewReader("x"))
	require.ErrorIs(t, err, fs.ErrPermission)
	assert.Equal(t, map[string]int{"PutObject": 1}, w.faults.Counts(), "a clear answer needs no settling")
}

// A name that is refused and free is tried again, as often as the policy says.
func TestWriteOnceRace(t *testing.T) {
	w := newWriteBench(t, s3fake.Options{}, writeOnce)
	w.faults.Add(&httpfault.Rule{Match: httpfault.Match{Operation: "PutObject"}, Times: 2, Do: httpfault.XML(412, "PreconditionFailed")})
	_, err := w.write(t, strings.NewReader("x"))
	require.NoError(t, err)
	assert.Equal(t, map[string]int{"PutObject": 3, "HeadObject": 2, "GetObject": 2}, w.faults.Counts())

	w = newWriteBench(t, s3fake.Options{}, writeOnce)
	w.faults.Add(&httpfault.Rule{Match: httpfault.Match{Operation: "PutObject"}, Times: -1, Do: httpfault.XML(412, "PreconditionFailed")})
	_, err = w.write(t, strings.NewReader("x"))
	require.ErrorIs(t, err, ltxstore.ErrUnavailable)
	assert.NotErrorIs(t, err, fs.ErrNotExist)
	assert.True(t, ltxstore.IsRetryable(err))
	assert.Equal(t, 4, w.faults.Counts()["PutObject"])
}

func TestWriteOnceOneWinner(t *testing.T) {
	onceBodies(func(body []byte, open func([]byte) io.Reader, _ string) {
		w := newWriteBench(t, s3fake.Options{}, writeOnce)
		var wg sync.WaitGroup
		var mu sync.Mutex
		winners := 0
		for i := range 8 {
			mine := bytes.Clone(body)
			mine[0] = byte('a' + i)
			wg.Go(func() {
				_, err := w.WriteLTXFile(t.Context(), 0, 1, 1, open(mine))
				mu.Lock()
				defer mu.Unlock()
				if err == nil {
					winners++
				} else {
					assert.ErrorIs(t, err, fs.ErrExist)
				}
			})
		}
		wg.Wait()
		assert.Equal(t, 1, winners)
		w.clean(t)
	})
}
