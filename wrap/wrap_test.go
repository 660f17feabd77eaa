package wrap_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/mock"
	"github.com/ltxstore/ltxstore/wrap"
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

func ExampleChain() {
	store := mock.NewReplicaClient(mock.Config{})
	client := wrap.Chain(store, wrap.With(readonly.New, readonly.Config{}))
	err := client.DeleteAll(context.Background())
	fmt.Println(err)
	// Output: mock: delete all: the replica is read-only to this client: permission denied
}
