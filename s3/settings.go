package s3

import (
	"bytes"
	"crypto/md5"
	"errors"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/backend"
	"github.com/ltxstore/ltxstore/backend/settings"
)

func init() {
	settings.Register(settings.Backend[document, *ReplicaClient]{
		Schemes: []string{typeName},
		Place:   placeOf,
		Check:   (*document).complete,
		New:     func(d document) *ReplicaClient { return NewReplicaClient(d.Config) },
	})
}

// document has the settings in a URL or a file: a Config, and Litestream's other names.
type document struct {
	Config

	SignAcceptEncoding   *bool  `ltx:"sign-accept-encoding" default:"true" help:"'false' omits the header from the signature. This is the default for services that change it, such as Google."`
	SSECustomerAlgorithm string `ltx:"sse-customer-algorithm,oneof=AES256" default:"AES256" help:"Only AES256 exists; any other value is an error."`
	SSECustomerKeyMD5    []byte `ltx:"sse-customer-key-md5|sseCustomerKeyMD5,base64,secret" default:"computed" help:"The MD5 of 'sse-customer-key' in base64; any other value is an error."`
	RequireContentMD5    *bool  `ltx:"require-content-md5|requireContentMD5,not=content-md5" default:"the provider's" help:"'false' means 'content-md5: never'."`
	PutObjectContentMD5  bool   `ltx:"put-object-content-md5|putObjectContentMD5,not=content-md5" default:"false" help:"'true' means 'content-md5: always', or 'bodies' if 'require-content-md5' is false."`
}

// complete adds Litestream's settings and the environment to the Config.
func (d *document) complete(src ltxstore.Source) error {
	if sum := md5.Sum(d.SSECustomerKey); d.SSECustomerKeyMD5 != nil && !bytes.Equal(d.SSECustomerKeyMD5, sum[:]) {
		return backend.Refused(typeName, "init", "SSECustomerKeyMD5", errors.New("want the MD5 of sse-customer-key in base64"))
	}
	d.hideAcceptEncoding = d.SignAcceptEncoding != nil && !*d.SignAcceptEncoding
	never := d.RequireContentMD5 != nil && !*d.RequireContentMD5
	switch {
	case never && d.PutObjectContentMD5:
		d.ContentMD5 = MD5Bodies
	case never:
		d.ContentMD5 = MD5Never
	case d.PutObjectContentMD5:
		d.ContentMD5 = MD5Always
	}
	d.Endpoint = withScheme(d.Endpoint)
	if err := d.fromEnvironment(src.Getenv); err != nil {
		return err
	}
	return d.validate()
}
