package ltxstore_test

import (
	"context"
	"io/fs"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/mock"
)

// upload is the code under test: it retries while that makes sense.
func upload(ctx context.Context, client ltxstore.ReplicaClient, id ltx.TXID, body string) (err error) {
	for range 3 {
		_, err = client.WriteLTXFile(ctx, 0, id, id, strings.NewReader(body))
		if !ltxstore.IsRetryable(err) {
			break
		}
	}
	return err
}

func TestUpload(t *testing.T) {
	client := &mock.ReplicaClient{}
	client.Script(t,
		// The store fails twice in the middle of file 1, and refuses file 2.
		mock.Fault{Op: mock.OpWrite, MinTXID: 1, Times: 2, After: 3, Err: ltxstore.ErrUnavailable},
		mock.Fault{Op: mock.OpWrite, MinTXID: 2, Times: 1, Err: fs.ErrPermission},
	)

	require.NoError(t, upload(t.Context(), client, 1, "a transaction"))
	require.ErrorIs(t, upload(t.Context(), client, 2, "another"), fs.ErrPermission)

	assert.Len(t, client.Calls(mock.OpWrite), 4)
	assert.Equal(t, []string{"ltx/0000/0000000000000001-0000000000000001.ltx"}, client.Store().Keys())
}
