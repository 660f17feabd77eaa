package sftp_test

import (
	"fmt"
	"os"

	"golang.org/x/crypto/ssh"

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

// throughJumpHost returns a client of a server that is reached through another,
// as with ssh -J.
func throughJumpHost(host *ssh.Client, cfg sftp.Config) *sftp.ReplicaClient {
	cfg.Dial = host.DialContext
	return sftp.NewReplicaClient(cfg)
}

// A server behind a jump host.
func ExampleConfig_jumpHost() {
	host, err := ssh.Dial("tcp", "jump.example.com:22", &ssh.ClientConfig{})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer host.Close()
	client := throughJumpHost(host, sftp.Config{Host: "backup.internal", User: "backup", Path: "/srv/backups/db"})
	defer client.Close()
}
