package scale_test

import (
	"os"
	"testing"

	"github.com/ltxstore/ltxstore/interop/servers"
)

func TestMain(m *testing.M) {
	servers.ForgetAWS()
	os.Exit(m.Run())
}
