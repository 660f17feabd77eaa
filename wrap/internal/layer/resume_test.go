package layer_test

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ltxstore/ltxstore/mock"
	"github.com/ltxstore/ltxstore/wrap/internal/layer"
)

// brokenOnce returns n bytes of a body with a failure, which it does not repeat.
type brokenOnce struct {
	body io.Reader
	n    int64
	err  error
}

func (b *brokenOnce) Read(p []byte) (int, error) {
	if b.err == nil {
		return 0, io.EOF
	}
	n, err := b.body.Read(p[:min(b.n, int64(len(p)))])
	if b.n -= int64(n); b.n == 0 && err == nil {
		err, b.err = b.err, nil
	}
	return n, err
}

func (*brokenOnce) Close() error { return nil }

// again is a rangeio.Retrier, which is told of each failure.
type again func(broken error)

func (a again) Do(ctx context.Context, op func(context.Context) error) error {
	err := op(ctx)
	if err == nil {
		return nil
	}
	a(err)
	return op(ctx)
}

// Bytes that come with a failure are delivered, and the failure is not forgotten: the end of the
// body after it is not that of the file.
func TestResume(t *testing.T) {
	const file = "0123456789"
	errBroken := errors.New("broken")
	for _, tt := range []struct {
		offset, size int64
		want         string
		opened       []int64 // offsets
		broken       int
	}{
		{0, 0, file, []int64{0, 0, 0, 0}, 3},
		{2, 5, file[2:7], []int64{2, 2}, 1},
		{7, 3, file[7:], []int64{7}, 0},
	} {
		var opened []int64
		broken := 0
		rc, err := layer.Resume(t.Context(), mock.NewReplicaClient(mock.Config{}), layer.File{MinTXID: 1, MaxTXID: 1}, tt.offset, tt.size,
			func(_ context.Context, offset, size int64) (io.ReadCloser, error) {
				opened = append(opened, offset)
				end := int64(len(file))
				if size > 0 {
					end = offset + size
				}
				return &brokenOnce{strings.NewReader(file[offset:end]), tt.offset - offset + 3*int64(len(opened)), errBroken}, nil
			}, again(func(err error) {
				require.ErrorIs(t, err, errBroken)
				broken++
			}))
		require.NoError(t, err)
		got, err := io.ReadAll(rc)
		require.NoError(t, err)
		assert.Equal(t, tt.want, string(got))
		assert.Equal(t, tt.opened, opened)
		assert.Equal(t, tt.broken, broken)
		assert.NoError(t, rc.Close())
		assert.NoError(t, rc.Close())
		_, err = rc.Read(make([]byte, 1))
		assert.ErrorIs(t, err, fs.ErrClosed)
	}
}
