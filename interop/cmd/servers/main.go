// Command servers builds the S3 servers and the Litestream that the tests use, unless they exist,
// and prints their paths. `make test` runs it before the tests, because the first time it takes
// minutes in which go test would show nothing.
package main

import (
	"context"
	"fmt"
	"log"

	"github.com/ltxstore/ltxstore/interop/servers"
)

func main() {
	log.SetFlags(0)
	paths, err := servers.Build(context.Background(), log.Printf)
	if err != nil {
		log.Fatalln("servers:", err)
	}
	for _, path := range paths {
		fmt.Println(path)
	}
}
