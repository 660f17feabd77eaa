package throttle_test

import (
	"context"
	"fmt"
	"log"
	"strings"

	"github.com/ltxstore/ltxstore/mock"
	"github.com/ltxstore/ltxstore/wrap/throttle"
)

// Two databases share one uplink. Its limit is lowered while they run.
func Example() {
	uplink, err := throttle.NewLimiter(throttle.Limits{Upload: new(int64(10 << 20))})
	if err != nil {
		log.Fatal(err)
	}
	orders := throttle.New(mock.NewReplicaClient(mock.Config{}), throttle.Config{Limiter: uplink})
	users := throttle.New(mock.NewReplicaClient(mock.Config{}), throttle.Config{Limiter: uplink})
	for _, client := range []*throttle.Client{orders, users} {
		if _, err := client.WriteLTXFile(context.Background(), 0, 1, 1, strings.NewReader("a transaction")); err != nil {
			log.Fatal(err)
		}
	}
	if err := uplink.Set(throttle.Limits{Upload: new(int64(1 << 20))}); err != nil {
		log.Fatal(err)
	}
	fmt.Println(uplink.Set(throttle.Limits{Upload: new(int64(0))}))
	// Output:
	// throttle: init: invalid argument: Limits.Upload is 0: want at least 1 byte per second, or nil for no limit
}
