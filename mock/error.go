package mock

import "github.com/ltxstore/ltxstore"

// typeName is what errors and log lines call the client.
const typeName = "mock"

// wrap makes an *ltxstore.Error of err, nil of nil. The kind is err's own, if
// it has one.
func wrap(op, key string, err error) error {
	if err == nil {
		return nil
	}
	return &ltxstore.Error{Op: op, Backend: typeName, Key: key, Kind: ltxstore.KindOf(err), Err: err}
}
