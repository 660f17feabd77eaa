package wrap_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/mock"
	"github.com/ltxstore/ltxstore/wrap"
	"github.com/ltxstore/ltxstore/wrap/compress"
	"github.com/ltxstore/ltxstore/wrap/crypt"
	"github.com/ltxstore/ltxstore/wrap/readonly"
)

// named tells when it is passed.
type named struct {
	ltxstore.ReplicaClient
	name   string
	passed *[]string
}

func (n named) DeleteLTXFiles(ctx context.Context, files []*ltx.FileInfo) error {
	*n.passed = append(*n.passed, n.name)
	return n.ReplicaClient.DeleteLTXFiles(ctx, files)
}

func TestChain(t *testing.T) {
	var passed []string
	newNamed := func(next ltxstore.ReplicaClient, name string) named { return named{next, name, &passed} }
	store := mock.NewReplicaClient(mock.Config{})
	client := wrap.Chain(store, wrap.With(newNamed, "first"), wrap.With(newNamed, "second"), wrap.With(newNamed, "third"))
	assert.NoError(t, client.DeleteLTXFiles(t.Context(), nil))
	assert.Equal(t, []string{"first", "second", "third"}, passed)
	assert.Len(t, store.Calls(mock.OpDelete), 1)
	assert.Same(t, store, wrap.Chain(store))
}

// Settings stack wrappers in the documented order, whatever theirs is.
func TestOpenStacks(t *testing.T) {
	const recipient = "age1zvkyg2lqzraa2lnjvqej32nkuu0ues2s82hzrye869xeexvn73equnujwj"
	for _, raw := range []string{
		"mem://?crypt.recipients=" + recipient + "&page-size=7&compress=true&readonly=true",
		"mem://?readonly=true&compress=true&crypt.recipients=" + recipient + "&page-size=7",
	} {
		client, err := ltxstore.Open(t.Context(), raw)
		require.NoError(t, err)
		outer := client.(*readonly.Client)
		middle := outer.Unwrap().(*compress.Client)
		inner := middle.Unwrap().(*crypt.Client)
		assert.IsType(t, &mock.ReplicaClient{}, inner.Unwrap())
		assert.NoError(t, ltxstore.Init(t.Context(), client))
	}
}

func ExampleChain() {
	store := mock.NewReplicaClient(mock.Config{})
	client := wrap.Chain(store, wrap.With(readonly.New, readonly.Config{}))
	err := client.DeleteAll(context.Background())
	fmt.Println(err)
	// Output: mock: delete all: the replica is read-only to this client: permission denied
}
