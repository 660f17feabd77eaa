package flow_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore/internal/flow"
	"github.com/ltxstore/ltxstore/mock"
)

func TestCounted(t *testing.T) {
	client := mock.NewReplicaClient(mock.Config{})
	client.SetLogger(nil)
	for id := ltx.TXID(1); id <= 3; id++ {
		_, err := client.WriteLTXFile(t.Context(), 0, id, id, strings.NewReader("body"))
		require.NoError(t, err)
	}
	broken := errors.New("broken")
	for _, want := range []error{nil, broken} {
		files, err := client.LTXFiles(t.Context(), 0, 0, false)
		require.NoError(t, err)
		calls := 0
		files = flow.Counted(files, func(n int, err error) {
			calls++
			assert.ErrorIs(t, err, want)
			assert.Equal(t, want == nil, n == 3)
		})
		for files.Next() {
			assert.NotNil(t, files.Item())
		}
		assert.Zero(t, calls)
		assert.ErrorIs(t, files.Close(), want)
		assert.ErrorIs(t, files.Close(), want)
		assert.Equal(t, 1, calls)
		require.NoError(t, client.Inject(mock.Fault{Op: mock.OpNext, Err: broken}))
	}
}
