package abs_test

import (
	"fmt"
	"os"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/abs"
)

// A replica in a container, with the account's key.
func ExampleNewReplicaClient() {
	client := abs.NewReplicaClient(abs.Config{
		Account:    "mystorage",
		AccountKey: os.Getenv("AZURE_STORAGE_KEY"),
		Bucket:     "backups",
		Path:       "db",
		Layout:     ltxstore.LayoutLitestream, // names that Litestream's abs replicas have
	})
	defer client.Close()
	fmt.Println(client.Type())
	// Output: abs
}
