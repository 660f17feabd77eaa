package webdav_test

import (
	"fmt"
	"os"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/webdav"
)

// A replica on a server of one's own.
func ExampleNewReplicaClient() {
	client := webdav.NewReplicaClient(webdav.Config{
		URL:      "https://cloud.example.com/dav",
		Path:     "backups/db",
		Layout:   ltxstore.LayoutLitestream, // names that Litestream's WebDAV replicas have
		Username: "me",
		Password: os.Getenv("WEBDAV_PASSWORD"),
	})
	defer client.Close()
	fmt.Println(client.Type())
	// Output: webdav
}
