package crypt_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log"

	"filippo.io/age"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/mock"
	"github.com/ltxstore/ltxstore/wrap/compress"
	"github.com/ltxstore/ltxstore/wrap/crypt"
)

// A replica that is stored compressed and encrypted. What is encrypted does not
// compress: the client that compresses is the outer one.
func Example() {
	ctx := context.Background()
	identity, err := age.GenerateX25519Identity() // or age-keygen
	if err != nil {
		log.Fatal(err)
	}
	next := mock.NewReplicaClient(mock.Config{}) // or any other
	next.SetLogger(nil)
	var client ltxstore.ReplicaClient = crypt.New(next, crypt.Config{
		Recipients: []string{identity.Recipient().String()},
		Identities: []crypt.Identity{crypt.Identity(identity.String())},
	})
	client = compress.New(client, compress.Config{})
	defer func() { _ = ltxstore.Close(client) }()

	if _, err := client.WriteLTXFile(ctx, 0, 1, 1, bytes.NewReader([]byte("the only copy"))); err != nil {
		log.Fatal(err)
	}
	rc, err := client.OpenLTXFile(ctx, 0, 1, 1, 4, 4)
	if err != nil {
		log.Fatal(err)
	}
	defer rc.Close()
	part, err := io.ReadAll(rc)
	fmt.Printf("%s %v\n", part, err)
	// Output:
	// only <nil>
}

// Who has a public key only can write files and not read them.
func ExampleConfig_writeOnly() {
	ctx := context.Background()
	next := mock.NewReplicaClient(mock.Config{})
	next.SetLogger(nil)
	client := crypt.New(next, crypt.Config{
		Recipients: []string{"age1zvkyg2lqzraa2lnjvqej32nkuu0ues2s82hzrye869xeexvn73equnujwj"},
	})
	_, err := client.WriteLTXFile(ctx, 0, 1, 1, bytes.NewReader([]byte("the only copy")))
	fmt.Println(err)
	_, err = client.OpenLTXFile(ctx, 0, 1, 1, 0, 0)
	fmt.Println(errors.Is(err, errors.ErrUnsupported), err)
	// Output:
	// <nil>
	// true mock: open level 0 0000000000000001-0000000000000001.ltx: reading needs an identity: want Config.Identities (setting crypt.identities): unsupported operation
}
