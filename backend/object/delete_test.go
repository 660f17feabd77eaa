package object_test

import (
	"context"
	"errors"
	"io/fs"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/backend/object"
)

func fill(t *testing.T, client ltxstore.ReplicaClient, n int) (files []*ltx.FileInfo) {
	for i := range n {
		txid := ltx.TXID(i + 1)
		info, err := client.WriteLTXFile(t.Context(), 0, txid, txid, stream(object.NewBody([]byte("body"))))
		require.NoError(t, err)
		files = append(files, info)
	}
	return files
}

// A store that takes no batches is asked once.
func TestDeleteWithoutBatches(t *testing.T) {
	s := newScripted(object.Traits{DeleteBatch: 2})
	s.steps["DeleteBatch"] = []step{refuse(errors.ErrUnsupported)}
	client := s.client(t, s, false)
	files := fill(t, client, 5)
	require.NoError(t, client.DeleteLTXFiles(t.Context(), files[:4]))
	require.NoError(t, client.DeleteLTXFiles(t.Context(), files[4:]))
	assert.Equal(t, 1, s.seen["DeleteBatch"])
	assert.Equal(t, 5, s.seen["Delete"])
	assert.Empty(t, s.objects)
}

// answering answers its first batch with results of its own, and does nothing.
type answering struct {
	*scripted
	results []error
}

func (a *answering) DeleteBatch(ctx context.Context, keys []string) (map[string]error, error) {
	if results := a.results; results != nil {
		a.results = nil
		return byKey(keys, results), nil
	}
	return a.scripted.DeleteBatch(ctx, keys)
}

// errUnmentioned is the result of a key that an answer does not mention.
var errUnmentioned = errors.New("not mentioned")

func byKey(keys []string, results []error) map[string]error {
	found := make(map[string]error)
	for i, err := range results {
		if err != errUnmentioned {
			found[keys[i]] = err
		}
	}
	return found
}

// Each key's answer counts for itself: one that is not mentioned is deleted
// alone, one that may pass is sent again, after the time that the store asks
// for, and one that is denied is reported.
func TestDeleteBatchAnswers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScripted(object.Traits{DeleteBatch: 10})
		a := &answering{s, []error{errUnmentioned, &later{ltxstore.ErrThrottled, 7 * time.Second}, fs.ErrPermission, fs.ErrNotExist}}
		client := s.client(t, a, false)
		files, began := fill(t, client, 4), time.Now()
		err := client.DeleteLTXFiles(t.Context(), files)
		require.ErrorIs(t, err, fs.ErrPermission)
		assert.Equal(t, 7*time.Second, time.Since(began).Truncate(time.Second))
		assert.Equal(t, 1, s.seen["Delete"], "the key that was not mentioned")
		assert.Equal(t, 1, s.seen["DeleteBatch"], "the key that was throttled")
		assert.Len(t, s.objects, 2, "denied, and said to be gone")
	})
}

// Of keys that fail in a way that may pass until the client gives up, each is
// reported with the store's last word on it.
func TestDeleteBatchGivesUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScripted(object.Traits{DeleteBatch: 10})
		client := s.client(t, repeating{s, func(keys []string) []error {
			return []error{ltxstore.ErrThrottled, ltxstore.ErrUnavailable, nil}[:len(keys)]
		}}, false)
		err := client.DeleteLTXFiles(t.Context(), fill(t, client, 3))
		var partial *ltxstore.PartialError
		require.ErrorAs(t, err, &partial)
		require.Len(t, partial.Failed, 2)
		require.ErrorIs(t, partial.Failed[0], ltxstore.ErrThrottled)
		require.NotErrorIs(t, partial.Failed[0], ltxstore.ErrUnavailable)
		require.ErrorIs(t, partial.Failed[1], ltxstore.ErrUnavailable)
		require.NotErrorIs(t, partial.Failed[1], ltxstore.ErrThrottled)
	})
}

// repeating answers each batch with results of its own, and does nothing.
type repeating struct {
	*scripted
	results func(keys []string) []error
}

func (r repeating) DeleteBatch(_ context.Context, keys []string) (map[string]error, error) {
	return byKey(keys, r.results(keys)), nil
}

// unlisted cannot list its uploads.
type unlisted struct{ parted }

func (unlisted) ListUploads(context.Context, string, string) ([]object.Upload, string, error) {
	return nil, "next", fs.ErrPermission
}

// Uploads that cannot be listed are a failure, which keeps no file from being deleted.
func TestDeleteAllWithoutUploads(t *testing.T) {
	s := newScripted(object.Traits{})
	client := s.client(t, unlisted{s.parted}, false)
	fill(t, client, 3)
	require.ErrorIs(t, client.DeleteAll(t.Context()), fs.ErrPermission)
	assert.Empty(t, s.objects)
}

// cyclic lists the same page again and again.
type cyclic struct{ parted }

func (c cyclic) List(ctx context.Context, opts object.ListOptions) (object.Page, error) {
	opts.Token = ""
	return c.memory.List(ctx, opts)
}

func (c cyclic) ListUploads(context.Context, string, string) ([]object.Upload, string, error) {
	return nil, "again", nil
}

// A listing that goes in a circle ends with an error.
func TestListingInACircle(t *testing.T) {
	s := newScripted(object.Traits{})
	fill(t, s.client(t, s, false), s.page+1)
	client := s.client(t, cyclic{s.parted}, false)
	it, err := client.LTXFiles(t.Context(), 0, 0, false)
	require.NoError(t, err)
	for it.Next() {
	}
	require.Error(t, it.Close())
	require.Error(t, client.DeleteAll(t.Context()))
}
