package gcsfake

import (
	"crypto/sha256"
	"encoding/base64"
	"net/http"
)

const customerPrefix = "X-Goog-Encryption-"

// customerKey returns the SHA-256 of the request's key in base64, or the empty
// string if it has none.
func (r *request) customerKey() (string, error) {
	algorithm, key, sum := r.Header.Get(customerPrefix+"Algorithm"), r.Header.Get(customerPrefix+"Key"), r.Header.Get(customerPrefix+"Key-Sha256")
	if algorithm == "" && key == "" && sum == "" {
		return "", nil
	}
	raw, err := base64.StdEncoding.DecodeString(key)
	want := sha256.Sum256(raw)
	switch {
	case algorithm != "AES256":
		return "", fail(http.StatusBadRequest, "customerEncryptionAlgorithmIsInvalid", "Missing an encryption algorithm, or the provided algorithm is not \"AES256.\"")
	case err != nil || len(raw) != sha256.Size:
		return "", fail(http.StatusBadRequest, "customerEncryptionKeyFormatIsInvalid", "Missing an encryption key, or it is not base64 encoded, or it does not meet the required length of the encryption algorithm.")
	case sum != base64.StdEncoding.EncodeToString(want[:]):
		return "", fail(http.StatusBadRequest, "customerEncryptionKeySha256IsInvalid", "Missing a SHA256 hash of the encryption key, or it is not base64 encoded, or it does not match the encryption key.")
	}
	return sum, nil
}

// unlock checks that the request's key is the one that the object was written
// with. Without a key, a request can read all properties that are not
// encrypted, which are all but the content and its hashes.
func (r *request) unlock(o *Object) (open bool, err error) {
	sum, err := r.customerKey()
	switch {
	case err != nil:
		return false, err
	case sum == o.KeySHA256:
		return true, nil
	case sum == "":
		return false, nil
	case o.KeySHA256 == "":
		return false, fail(http.StatusBadRequest, "resourceNotEncryptedWithCustomerEncryptionKey", "The target object is not encrypted by a customer-supplied encryption key.")
	}
	return false, fail(http.StatusBadRequest, "customerEncryptionKeyIsIncorrect", "The provided encryption key is incorrect.")
}
