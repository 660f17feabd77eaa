package checksum_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/mock"
	"github.com/ltxstore/ltxstore/testing/replicatest"
	"github.com/ltxstore/ltxstore/wrap/checksum"
)

// A file that was damaged before it is written is not stored.
func Example() {
	store := mock.NewReplicaClient(mock.Config{})
	store.SetLogger(nil)
	client := checksum.New(store, checksum.Config{})

	body := replicatest.NewLTXFile(1, 1, time.Date(2024, 2, 29, 12, 0, 0, 0, time.UTC), 3)
	body[5000] ^= 1
	_, err := client.WriteLTXFile(context.Background(), 0, 1, 1, bytes.NewReader(body))
	fmt.Println(errors.Is(err, ltxstore.ErrChecksum), store.Store().Keys())
	// Output: true []
}
