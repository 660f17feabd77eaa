package servers

import (
	"net/http/httptest"
	"testing"

	"github.com/ltxstore/ltxstore/internal/testkit/httpfault"
	"github.com/ltxstore/ltxstore/internal/testkit/ossfake"
)

// Alibaba is a server of Alibaba Cloud's Object Storage Service with one bucket.
type Alibaba struct {
	*ossfake.Server
	Layer                *httpfault.Layer
	URL                  string
	AccessKey, SecretKey string
	Region, Bucket       string
}

// OSS starts the library's fake of the Object Storage Service in this process,
// which ends with the test. There is no other server for tests.
func OSS(tb testing.TB, opt ossfake.Options) *Alibaba {
	tb.Helper()
	s := &Alibaba{AccessKey: accessKey, SecretKey: secretKey, Region: "cn-test", Bucket: "bucket"}
	opt.ID, opt.Secret, opt.Region = s.AccessKey, s.SecretKey, s.Region
	s.Server = ossfake.New(opt, s.Bucket)
	s.Layer = httpfault.New(s.Server)
	s.Layer.Name(ossfake.Operation)
	front := httptest.NewServer(s.Layer)
	tb.Cleanup(front.Close)
	s.URL = front.URL
	return s
}
