package mock

import "github.com/ltxstore/ltxstore"

// typeName is what errors and log lines call the client.
const typeName = "mock"

// wrap returns err as an *ltxstore.Error of the same kind, or nil if err is nil.
func wrap(op, key string, err error) error {
	if err == nil {
		return nil
	}
	return &ltxstore.Error{Op: op, Backend: typeName, Key: key, Kind: ltxstore.KindOf(err), Err: err}
}
