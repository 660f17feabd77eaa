package s3

import (
	"crypto/md5"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/ltxstore/ltxstore/backend/transport"
	"github.com/ltxstore/ltxstore/internal/scrub"
)

const (
	sseS3  = "AES256"
	sseKMS = "aws:kms"
)

func (cfg Config) validateEncryption() error {
	kms := cfg.KMSKeyID != "" || len(cfg.KMSContext) > 0
	customer := len(cfg.SSECustomerKey) > 0 || cfg.SSECustomerKeyFile != ""
	switch {
	case kms && cfg.SSE == sseS3:
		return invalid("SSE", cfg.SSE, `want "aws:kms" with KMSKeyID and KMSContext`)
	case customer && (kms || cfg.SSE != ""):
		return invalid("SSECustomerKey", scrub.Secret(1), "want one encryption: SSE-C, or SSE with its KMSKeyID and KMSContext")
	case customer && !cfg.SSECustomerOverHTTP && transport.InTheClear(cfg.Endpoint):
		return invalid("Endpoint", cfg.Endpoint, "want https, or SSECustomerOverHTTP: SSECustomerKey would be sent unencrypted")
	}
	if _, ok := cfg.KMSContext[""]; ok {
		return invalid("KMSContext", "", "want keys that are not empty")
	}
	return transport.CheckCustomerKey(typeName, "SSECustomerKey", cfg.SSECustomerKey, "", "")
}

// customerKey returns the headers for the key of an SSE-C object, or three nils if there
// is no key.
func (cfg Config) customerKey() (algorithm, key, keyMD5 *string) {
	if len(cfg.SSECustomerKey) == 0 {
		return nil, nil, nil
	}
	encoded, sum := transport.EncodeCustomerKey(cfg.SSECustomerKey, md5.New())
	return aws.String(sseS3), &encoded, &sum
}
