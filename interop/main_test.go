package interop_test

import (
	"fmt"
	"os"
	"testing"

	"github.com/ltxstore/ltxstore/interop/servers"
)

func TestMain(m *testing.M) {
	if name := os.Getenv("LTXSTORE_LIST"); name != "" { // for TestSamePlaceAsTheProgram
		if err := listOwn(name); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	servers.ForgetAWS()
	os.Exit(m.Run())
}
