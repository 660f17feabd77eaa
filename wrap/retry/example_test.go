package retry_test

import (
	"context"
	"fmt"
	"strings"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/mock"
	"github.com/ltxstore/ltxstore/wrap/retry"
)

func Example() {
	store := mock.NewReplicaClient(mock.Config{})
	store.SetLogger(nil)
	_ = store.Inject(mock.Fault{Op: mock.OpWrite, Times: 2, Err: ltxstore.ErrUnavailable})

	client := retry.New(store, retry.Config{Retry: fast})
	_, err := client.WriteLTXFile(context.Background(), 0, 1, 1, strings.NewReader("a transaction"))
	fmt.Println(err, len(store.Calls(mock.OpWrite)))
	// Output: <nil> 3
}
