package settings_test

import (
	"context"
	"fmt"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/backend/settings"
	"github.com/ltxstore/ltxstore/mock"
)

// config is that of a backend outside of the library.
type config struct {
	Bucket   string `ltx:"bucket" default:"required" help:"The bucket's name."`
	Token    string `ltx:"token,secret" default:"none" help:"What proves who asks."`
	PartSize int64  `ltx:"part-size,size,max=1GiB" default:"8MiB" help:"Bytes of a part."`
}

func ExampleRegister() {
	settings.Register(settings.Backend[config, *mock.ReplicaClient]{
		Schemes: []string{"cloud"},
		New: func(cfg config) *mock.ReplicaClient {
			fmt.Println(cfg.Bucket, cfg.PartSize)
			return mock.NewReplicaClient(mock.Config{})
		},
	})
	_, err := ltxstore.Open(context.Background(), "cloud://?bucket=b&part-size=5MiB")
	fmt.Println(err)

	_, err = ltxstore.OpenSource(context.Background(), ltxstore.Source{Type: "cloud", Settings: map[string]string{"part-sise": "5MiB"}})
	fmt.Println(err)
	// Output:
	// b 5242880
	// <nil>
	// cloud: init: invalid argument: unknown setting "part-sise": did you mean part-size?
}

func ExampleValidate() {
	fmt.Println(settings.Validate("cloud", config{Bucket: "b", PartSize: 2 << 30}))
	// Output:
	// cloud: init: invalid argument: PartSize is 2147483648: want 0 (default), or at most 1 GiB in bytes
}
