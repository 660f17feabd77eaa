package wraptest

import (
	"bytes"
	"context"
	"errors"
	"io"
	"testing"

	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/mock"
)

// Quiet returns a client in memory that does not log.
func Quiet() *mock.ReplicaClient {
	c := mock.NewReplicaClient(mock.Config{})
	c.SetLogger(nil)
	return c
}

// Write writes the file of one transaction to level 0.
func Write(t testing.TB, c ltxstore.ReplicaClient, id ltx.TXID, body []byte) *ltx.FileInfo {
	t.Helper()
	info, err := c.WriteLTXFile(t.Context(), 0, id, id, bytes.NewReader(body))
	must(t, err)
	return info
}

// Read returns a range of the file of one transaction in level 0.
func Read(ctx context.Context, c ltxstore.ReplicaClient, id ltx.TXID, offset, size int64) ([]byte, error) {
	rc, err := c.OpenLTXFile(ctx, 0, id, id, offset, size)
	if err != nil {
		return nil, err
	}
	defer rc.Close()
	return io.ReadAll(rc)
}

// List returns the files of level 0.
func List(t testing.TB, c ltxstore.ReplicaClient, metadata bool) []*ltx.FileInfo {
	t.Helper()
	infos, err := ltxstore.FindLTXFiles(t.Context(), c, 0, metadata, func(*ltx.FileInfo) (bool, error) { return true, nil })
	must(t, err)
	return infos
}

// Unclosable is a client whose readers fail to close, with Err.
type Unclosable struct {
	ltxstore.ReplicaClient
	Err error
}

// OpenLTXFile implements ltxstore.ReplicaClient.
func (u Unclosable) OpenLTXFile(ctx context.Context, level int, minTXID, maxTXID ltx.TXID, offset, size int64) (io.ReadCloser, error) {
	rc, err := u.ReplicaClient.OpenLTXFile(ctx, level, minTXID, maxTXID, offset, size)
	if err != nil {
		return nil, err
	}
	return unclosable{rc, u.Err}, nil
}

type unclosable struct {
	io.ReadCloser
	err error
}

func (u unclosable) Close() error { return errors.Join(u.ReadCloser.Close(), u.err) }

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
