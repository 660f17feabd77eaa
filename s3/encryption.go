package s3

import (
	"bytes"
	"crypto/md5"
	"encoding/base64"
	"io"
	"os"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
)

const (
	sseS3  = "AES256"
	sseKMS = "aws:kms"

	customerKeySize = 32
)

func (cfg Config) validateEncryption() error {
	kms := cfg.KMSKeyID != "" || len(cfg.KMSContext) > 0
	customer := len(cfg.SSECustomerKey) > 0 || cfg.SSECustomerKeyFile != ""
	switch {
	case cfg.SSE != "" && cfg.SSE != sseS3 && cfg.SSE != sseKMS:
		return invalid("SSE", cfg.SSE, `want "AES256", "aws:kms", or "" for the bucket's default`)
	case kms && cfg.SSE == sseS3:
		return invalid("SSE", cfg.SSE, `want "aws:kms" beside KMSKeyID and KMSContext`)
	case customer && (kms || cfg.SSE != ""):
		return invalid("SSECustomerKey", secret(1), "want one encryption: SSE-C, or SSE with its KMSKeyID and KMSContext")
	case hasSpace(cfg.KMSKeyID):
		return invalid("KMSKeyID", cfg.KMSKeyID, "want a key's ID, ARN or alias")
	case len(cfg.SSECustomerKey) > 0 && cfg.SSECustomerKeyFile != "":
		return invalid("SSECustomerKeyFile", cfg.SSECustomerKeyFile, "want it, or SSECustomerKey, not both")
	case len(cfg.SSECustomerKey) > 0 && len(cfg.SSECustomerKey) != customerKeySize:
		return invalid("SSECustomerKey", secret(1), "want 32 bytes")
	case customer && strings.HasPrefix(strings.ToLower(cfg.Endpoint), "http:"):
		return invalid("Endpoint", cfg.Endpoint, "want https: SSECustomerKey would cross the network in the clear")
	}
	if _, ok := cfg.KMSContext[""]; ok {
		return invalid("KMSContext", "", "want keys that are not empty")
	}
	return nil
}

// loadCustomerKey returns the key in SSECustomerKeyFile: 32 bytes as they are,
// or in base64 with white space around it.
func (cfg Config) loadCustomerKey() ([]byte, error) {
	if cfg.SSECustomerKeyFile == "" {
		return bytes.Clone(cfg.SSECustomerKey), nil
	}
	const want = "want a file of 32 bytes, raw or in base64"
	file, err := os.Open(cfg.SSECustomerKeyFile)
	if err != nil {
		return nil, invalid("SSECustomerKeyFile", cfg.SSECustomerKeyFile, want+": "+err.Error())
	}
	defer file.Close()
	// A wrong name may be that of a large file.
	content, err := io.ReadAll(io.LimitReader(file, 1<<10))
	if err != nil {
		return nil, invalid("SSECustomerKeyFile", cfg.SSECustomerKeyFile, want+": "+err.Error())
	}
	if len(content) == customerKeySize {
		return content, nil
	}
	key, err := base64.StdEncoding.DecodeString(string(bytes.TrimSpace(content)))
	if err != nil || len(key) != customerKeySize {
		return nil, invalid("SSECustomerKeyFile", cfg.SSECustomerKeyFile, want)
	}
	return key, nil
}

// customerKey returns what a request about an SSE-C object says of its key:
// three nils if there is none.
func (cfg Config) customerKey() (algorithm, key, keyMD5 *string) {
	if len(cfg.SSECustomerKey) == 0 {
		return nil, nil, nil
	}
	sum := md5.Sum(cfg.SSECustomerKey)
	return aws.String(sseS3),
		aws.String(base64.StdEncoding.EncodeToString(cfg.SSECustomerKey)),
		aws.String(base64.StdEncoding.EncodeToString(sum[:]))
}
