package backends_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/internal/settings"
)

// misplaced are secrets as their owners have them, which may be put into the wrong
// setting. "s3cret" is what must not be seen.
var misplaced = map[string]string{
	"a URL with a password": "https://me:s3cret@host/x",
	"a signed URL":          "https://host/x?sig=s3cret",
	"an SAS":                "sv=2022-11-02&ss=b&sp=rwdl&sig=s3cret%2Bs3cret",
	"a connection string":   "AccountName=acct;AccountKey=s3cret==;EndpointSuffix=core.windows.net",
	"a private key":         "-----BEGIN OPENSSH PRIVATE KEY-----\ns3cret\ns3cret\n-----END OPENSSH PRIVATE KEY-----\n",
	"a service account":     `{"type":"service_account","private_key":"-----BEGIN PRIVATE KEY-----\ns3cret\n-----END PRIVATE KEY-----\n"}`,
	"credentials of NATS":   "-----BEGIN NATS USER JWT-----\neys3cret\n------END NATS USER JWT------\n\n-----BEGIN USER NKEY SEED-----\ns3cret\n------END USER NKEY SEED------\n",
	"a seed of NATS":        "SUACS3CRETUAHUDXKFSNVUZRF5UHPMWZ6BFDTJ7M6USDXIEDNPPQYYYCU2",
	"an identity of age":    "AGE-SECRET-KEY-1S3CRETQPQYQSZQGPQYQSZQGPQYQSZQGPQYQSZQGPQYQSZQGPQYQSLPQKXW",
}

// A secret in any setting of any backend, one of another name among them, is in no
// error.
func TestMisplacedSecrets(t *testing.T) {
	places := map[string]string{
		"abs": "abs://acct@container/p", "gs": "gs://bucket/p", "oss": "oss://bucket.oss-cn-hangzhou.aliyuncs.com/p", "s3": "s3://bucket/p",
		"file": "file:///p", "mem": "mem://p", "nats": "nats://host/bucket/p", "sftp": "sftp://me@host/p", "webdav": "webdav://host/p",
	}
	for scheme, place := range places {
		names := settings.Drivers().Get(scheme).Names()
		for _, name := range append(names, "nosuch") {
			for kind, value := range misplaced {
				_, err := ltxstore.OpenSource(t.Context(), ltxstore.Source{URL: place, Settings: map[string]string{name: value}})
				if err != nil {
					assert.NotContains(t, strings.ToLower(err.Error()), "s3cret", "%s, %s: %s", scheme, name, kind)
				}
			}
		}
	}
}
