package transport

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"hash"

	"github.com/ltxstore/ltxstore/backend"
	"github.com/ltxstore/ltxstore/internal/scrub"
)

// CustomerKeySize is the size in bytes of a customer-provided encryption key, for
// AES-256.
const CustomerKeySize = 32

// CheckCustomerKey returns an error if such a key, in the field with that name, is
// invalid, or if it or the key in file would be sent to an endpoint without TLS. Both
// key and file may be empty.
func CheckCustomerKey(backendType, field string, key []byte, file, endpoint string) error {
	switch {
	case len(key) > 0 && len(key) != CustomerKeySize:
		return backend.Invalid(backendType, "init", field, scrub.Secret(1), "want 32 bytes")
	case (len(key) > 0 || file != "") && InTheClear(endpoint):
		return backend.Invalid(backendType, "init", "Endpoint", endpoint, "want https: "+field+" would be sent unencrypted")
	}
	return nil
}

// LoadCustomerKey replaces key with that in file, whose field has that name, and clears
// file. Without a file, it replaces key with a copy.
func LoadCustomerKey(backendType, field string, key *[]byte, file *string) (err error) {
	if *file == "" {
		*key = bytes.Clone(*key)
		return nil
	}
	if *key, err = backend.ReadKey(*file, CustomerKeySize); err != nil {
		return backend.Invalid(backendType, "init", field, *file, fmt.Sprintf("want a file of %d bytes, raw or in base64: %v", CustomerKeySize, err))
	}
	*file = ""
	return nil
}

// EncodeCustomerKey returns a key and its hash for the headers of a request, in base64.
func EncodeCustomerKey(key []byte, h hash.Hash) (encoded, sum string) {
	h.Write(key)
	return base64.StdEncoding.EncodeToString(key), base64.StdEncoding.EncodeToString(h.Sum(nil))
}
