package servers

import (
	"encoding/base64"
	"net/http/httptest"
	"testing"

	"github.com/ltxstore/ltxstore/internal/testkit/absfake"
	"github.com/ltxstore/ltxstore/internal/testkit/httpfault"
)

// Azure is a server of Azure's blob service with one container.
type Azure struct {
	*absfake.Server
	Layer        *httpfault.Layer
	URL          string // of the account
	Account, Key string
	Container    string
}

// ABS starts the library's fake of Azure's blob service in this process, which
// ends with the test.
func ABS(tb testing.TB, opt absfake.Options) *Azure {
	tb.Helper()
	s := &Azure{Account: "account", Key: base64.StdEncoding.EncodeToString([]byte(secretKey)), Container: "container"}
	opt.Account, opt.Key = s.Account, s.Key
	s.Server = absfake.New(opt, s.Container)
	s.Layer = httpfault.New(s.Server)
	s.Layer.Name(absfake.Operation)
	front := httptest.NewServer(s.Layer)
	tb.Cleanup(front.Close)
	s.URL = front.URL
	return s
}
