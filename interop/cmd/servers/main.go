// Command servers builds the S3 servers that the tests start, and the Litestream
// that they compare with, unless they are there, and prints where they are. `make test` runs it before the tests: the
// first time it takes minutes, of which go test would show nothing.
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
