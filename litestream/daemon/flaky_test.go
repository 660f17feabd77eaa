package daemon

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"

	"github.com/superfly/ltx"
	"golang.org/x/net/webdav"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/backend/settings"
	"github.com/ltxstore/ltxstore/internal/testkit/absfake"
	"github.com/ltxstore/ltxstore/internal/testkit/gcsfake"
	"github.com/ltxstore/ltxstore/internal/testkit/httpfault"
	"github.com/ltxstore/ltxstore/internal/testkit/s3fake"
)

// flakyStores are servers of whose requests one in twenty fails.
type flakyStores struct {
	url    map[string]string
	layers map[string]*httpfault.Layer
	failed map[string]*atomic.Int64
}

func newFlakyStores(t *testing.T) *flakyStores {
	s := &flakyStores{make(map[string]string), make(map[string]*httpfault.Layer), make(map[string]*atomic.Int64)}
	for name, store := range map[string]http.Handler{
		"s3":     s3fake.New(s3fake.Options{}, "bucket"),
		"gcs":    gcsfake.New(gcsfake.Options{}, "bucket"),
		"abs":    absfake.New(absfake.Options{Account: "account", Key: "a2V5"}, "container"),
		"webdav": &webdav.Handler{FileSystem: webdav.Dir(t.TempDir()), LockSystem: webdav.NewMemLS()},
	} {
		failed, layer := new(atomic.Int64), httpfault.New(store)
		for _, effect := range []httpfault.Effect{
			httpfault.Status(http.StatusServiceUnavailable, nil, ""), httpfault.Reset(), httpfault.LoseAnswer(), httpfault.ResetAfter(150),
		} {
			layer.Add(&httpfault.Rule{Times: -1, Do: effect, Match: httpfault.Match{Func: func(*http.Request) bool {
				fails := rand.IntN(80) == 0
				if fails {
					failed.Add(1)
				}
				return fails
			}}})
		}
		server := httptest.NewUnstartedServer(layer)
		server.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
		server.Start()
		t.Cleanup(server.Close)
		s.url[name], s.layers[name], s.failed[name] = server.URL, layer, failed
	}
	return s
}

// counts says how many requests there were.
func (s *flakyStores) counts() map[string]string {
	all := map[string]string{"disk": fmt.Sprintf("%d operations, %d of which failed", operations.Load(), lost.Load())}
	for name, layer := range s.layers {
		all[name] = fmt.Sprintf("%d requests, %d of which failed", layer.Requests(), s.failed[name].Load())
	}
	return all
}

// flaky fails one in twenty operations, before or after it was done.
type flaky struct{ ltxstore.ReplicaClient }

func init() {
	settings.RegisterWrapper(settings.Wrapper[struct{}, flaky]{Names: []string{"flaky"},
		New: func(next ltxstore.ReplicaClient, _ struct{}) flaky { return flaky{next} }})
}

func (f flaky) Unwrap() ltxstore.ReplicaClient { return f.ReplicaClient }

var (
	operations, lost atomic.Int64
	errLost          = &ltxstore.Error{Op: "soak", Backend: "flaky", Kind: ltxstore.ErrUnavailable, Err: errors.New("the answer is lost")}
)

// do calls op, or fails before or after it.
func do(op func() error) error {
	n := rand.IntN(40)
	operations.Add(1)
	if n < 2 {
		lost.Add(1)
	}
	if n == 0 {
		return errLost
	}
	if err := op(); err != nil || n != 1 {
		return err
	}
	return errLost
}

func (f flaky) LTXFiles(ctx context.Context, level int, seek ltx.TXID, useMetadata bool) (files ltx.FileIterator, err error) {
	err = do(func() error {
		files, err = f.ReplicaClient.LTXFiles(ctx, level, seek, useMetadata)
		return err
	})
	if files != nil && err != nil {
		return nil, errors.Join(err, files.Close())
	}
	return files, err
}

// OpenLTXFile implements ltxstore.ReplicaClient. What fails afterwards breaks after 150 bytes.
func (f flaky) OpenLTXFile(ctx context.Context, level int, minTXID, maxTXID ltx.TXID, offset, size int64) (r io.ReadCloser, err error) {
	err = do(func() error {
		r, err = f.ReplicaClient.OpenLTXFile(ctx, level, minTXID, maxTXID, offset, size)
		return err
	})
	if r != nil && err != nil {
		return struct {
			io.Reader
			io.Closer
		}{io.MultiReader(io.LimitReader(r, 150), broken{}), r}, nil
	}
	return r, err
}

type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, errLost }

func (f flaky) WriteLTXFile(ctx context.Context, level int, minTXID, maxTXID ltx.TXID, r io.Reader) (info *ltx.FileInfo, err error) {
	err = do(func() error {
		info, err = f.ReplicaClient.WriteLTXFile(ctx, level, minTXID, maxTXID, r)
		return err
	})
	return info, err
}

func (f flaky) DeleteLTXFiles(ctx context.Context, files []*ltx.FileInfo) error {
	return do(func() error { return f.ReplicaClient.DeleteLTXFiles(ctx, files) })
}
