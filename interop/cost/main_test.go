package cost_test

import (
	"os"
	"testing"

	_ "modernc.org/sqlite"

	"github.com/ltxstore/ltxstore/interop/servers"
)

func TestMain(m *testing.M) {
	servers.ForgetAWS()
	os.Exit(m.Run())
}
