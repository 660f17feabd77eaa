package settings_test

import (
	"fmt"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/backend/settings"
)

// config is that of a backend outside of the library.
type config struct {
	Bucket   string `ltx:"bucket" default:"required" help:"The bucket's name."`
	Token    string `ltx:"token,secret" default:"none" help:"What proves who asks."`
	PartSize int64  `ltx:"part-size,size,max=1GiB" default:"8MiB" help:"Bytes of a part."`
}

func ExampleDecode() {
	cfg, _, err := settings.Decode[config](ltxstore.Source{URL: "cloud://?bucket=b&part-size=5MiB"})
	fmt.Println(cfg.Bucket, cfg.PartSize, err)

	_, _, err = settings.Decode[config](ltxstore.Source{Settings: map[string]string{"part-sise": "5MiB"}, Where: func(string) (line, column int) { return 3, 0 }})
	fmt.Println(err)
	// Output:
	// b 5242880 <nil>
	// unknown setting "part-sise" (line 3): did you mean part-size?
}

func ExampleValidate() {
	fmt.Println(settings.Validate("cloud", config{Bucket: "b", PartSize: 2 << 30}))
	// Output:
	// cloud: init: invalid argument: PartSize is 2147483648: want 0 (default), or at most 1 GiB in bytes
}
