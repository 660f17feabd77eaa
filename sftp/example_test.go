package sftp_test

import (
	"fmt"
	"os"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/sftp"
)

// A replica on a backup server, whose key is pinned.
func ExampleNewReplicaClient() {
	client := sftp.NewReplicaClient(sftp.Config{
		Host:    "backup.example.com",
		User:    "backup",
		Path:    "/srv/backups/db",
		Layout:  ltxstore.LayoutLitestream, // names that Litestream's SFTP replicas have
		KeyPath: os.ExpandEnv("$HOME/.ssh/id_ed25519"),
		HostKey: "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ8Rr3t2dH2jQ6Qq5S1qvVtZ8cX5mF0yB0pC9r9Lk3dE",
	})
	defer client.Close()
	fmt.Println(client.Type())
	// Output: sftp
}
