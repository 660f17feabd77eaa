package layer_test

import (
	"bytes"
	"context"
	"io"
	"io/fs"
	"log/slog"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/backend"
	"github.com/ltxstore/ltxstore/mock"
	"github.com/ltxstore/ltxstore/wrap/internal/layer"
)

type plain struct{ layer.Next }

// What is wrong with a configuration is the error of Init and of every other method.
func TestWrongConfiguration(t *testing.T) {
	client := mock.NewReplicaClient(mock.Config{})
	for want, next := range map[string]ltxstore.ReplicaClient{
		"none: init: invalid argument: next is <nil>: want a client to wrap": nil,
		"mock: init: invalid argument: Size is -1: want more":                client,
	} {
		failing := layer.New(next, func(context.Context, layer.Next) (*plain, error) {
			return nil, backend.Invalid("mock", "init", "Size", -1, "want more")
		})
		_, listErr := failing.LTXFiles(t.Context(), 0, 0, false)
		_, openErr := failing.OpenLTXFile(t.Context(), 0, 1, 1, 0, 0)
		_, writeErr := failing.WriteLTXFile(t.Context(), 0, 1, 1, bytes.NewReader([]byte("x")))
		for op, err := range map[string]error{
			"init": ltxstore.Init(t.Context(), failing), "list": listErr, "open": openErr, "write": writeErr,
			"delete": failing.DeleteLTXFiles(t.Context(), []*ltx.FileInfo{{MinTXID: 1, MaxTXID: 1}}), "delete all": failing.DeleteAll(t.Context()),
		} {
			assert.ErrorIs(t, err, fs.ErrInvalid, op)
			assert.EqualError(t, err, want, op)
		}
		assert.Equal(t, want[:4], failing.Type())
		assert.NotNil(t, failing.Unwrap())
		assert.NotPanics(t, func() { failing.SetLogger(nil) })
		assert.NoError(t, failing.Close())
	}
}

// Arguments are checked, and errors name the operation and the file.
func TestOperations(t *testing.T) {
	next := mock.NewReplicaClient(mock.Config{})
	client := layer.New(next, func(_ context.Context, next layer.Next) (*plain, error) {
		return &plain{next}, nil
	})
	_, listErr := client.LTXFiles(t.Context(), -1, 0, false)
	_, openErr := client.OpenLTXFile(t.Context(), 0, 1, 1, -1, 0)
	_, nameErr := client.OpenLTXFile(t.Context(), 0, 2, 1, 0, 0)
	_, writeErr := client.WriteLTXFile(t.Context(), 0, 2, 1, bytes.NewReader([]byte("x")))
	deleteErr := client.DeleteLTXFiles(t.Context(), []*ltx.FileInfo{nil})
	for _, err := range []error{listErr, openErr, nameErr, writeErr, deleteErr} {
		assert.ErrorIs(t, err, fs.ErrInvalid)
	}
	assert.Empty(t, next.Calls())
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	assert.ErrorIs(t, client.DeleteAll(ended), context.Canceled)
	assert.Empty(t, next.Calls())
	assert.NoError(t, client.DeleteAll(t.Context()))
	assert.Len(t, next.Calls(), 1)
}

func TestWrap(t *testing.T) {
	client := mock.NewReplicaClient(mock.Config{})
	assert.NoError(t, layer.Wrap(client, "read", "", nil))
	err := layer.Wrap(client, "read", layer.File{Level: 3, MinTXID: 1, MaxTXID: 0xa}.String(), ltxstore.ErrChecksum)
	assert.EqualError(t, err, "mock: read level 3 0000000000000001-000000000000000a.ltx: content is corrupt")
	assert.Same(t, err, layer.Wrap(client, "list", "other", err), "what is an Error already stays as it is")
	assert.Nil(t, ltxstore.KindOf(layer.Wrap(client, "read", "", context.Canceled)))
}

func TestSetLogger(t *testing.T) {
	var log bytes.Buffer
	client := mock.NewReplicaClient(mock.Config{})
	layer.SetLogger(client, slog.New(slog.NewTextHandler(&log, nil)))
	_, err := client.WriteLTXFile(t.Context(), 0, 1, 1, io.LimitReader(bytes.NewReader([]byte("body")), 4))
	assert.NoError(t, err)
	assert.Contains(t, log.String(), "replica=mock")
}

func TestReader(t *testing.T) {
	var read int
	over := func(r io.Reader) io.Reader {
		return layer.Reader(r, func(p []byte) (int, error) {
			n, err := r.Read(p)
			read += n
			return n, err
		})
	}
	seeker := over(bytes.NewReader([]byte("content")))
	for range 2 {
		got, err := io.ReadAll(seeker)
		assert.NoError(t, err)
		assert.Equal(t, "content", string(got))
		_, err = seeker.(io.Seeker).Seek(0, io.SeekStart)
		assert.NoError(t, err)
	}
	assert.Equal(t, 14, read)

	buffer := over(bytes.NewBufferString("content"))
	_, seeks := buffer.(io.Seeker)
	assert.False(t, seeks)
	assert.Equal(t, 7, buffer.(interface{ Len() int }).Len())

	plain := over(io.LimitReader(bytes.NewReader([]byte("content")), 3))
	_, sized := plain.(interface{ Len() int })
	assert.False(t, sized)
	got, err := io.ReadAll(plain)
	assert.NoError(t, err)
	assert.Equal(t, "con", string(got))
}

func TestNextPage(t *testing.T) {
	for n, want := range map[int]int{0: 8, 8: 16, 512: 1024, 1024: 1024} {
		assert.Equal(t, want, layer.NextPage(n))
	}
}

func TestCompare(t *testing.T) {
	one, longer, two := &ltx.FileInfo{MinTXID: 1, MaxTXID: 1}, &ltx.FileInfo{MinTXID: 1, MaxTXID: 2}, &ltx.FileInfo{MinTXID: 2, MaxTXID: 2}
	for _, tt := range []struct {
		a, b *ltx.FileInfo
		want int
	}{{one, one, 0}, {one, longer, -1}, {two, longer, 1}} {
		assert.Equal(t, tt.want, layer.Compare(tt.a, tt.b))
	}
}
