package litestream

import (
	"errors"
	"io/fs"

	engine "github.com/benbjohnson/litestream"
	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore"
)

// ofFile converts an error about a file of the replica to the engine's type. The
// engine logs the hint, and with "auto-recover" starts over from a snapshot if a
// file is missing or corrupt, and only then.
func ofFile(op string, level int, minTXID, maxTXID ltx.TXID, err error) error {
	if err == nil {
		return nil
	}
	found := &engine.LTXError{Op: op, Level: level, MinTXID: uint64(minTXID), MaxTXID: uint64(maxTXID), Err: err}
	if of := new(ltxstore.Error); errors.As(err, &of) {
		found.Path = of.Key
	}
	switch kind := ltxstore.KindOf(err); {
	case kind == fs.ErrNotExist && op == "open":
		found.Err = also{err, engine.ErrLTXMissing}
		found.Hint = "The file is missing in the replica: retention or another process has deleted it. " +
			"'ltxstore verify' shows what can be restored; a new snapshot repairs the replica."
	case kind == ltxstore.ErrChecksum:
		found.Err = also{err, engine.ErrLTXCorrupted}
		found.Hint = "The file is damaged. 'ltxstore verify' shows what can be restored, " +
			"and 'ltxstore restore -skip-damaged' restores without the file; a new snapshot repairs the replica."
	case kind == ltxstore.ErrStoreNotFound:
		found.Hint = "The bucket or directory does not exist: create it, or correct the replica's settings."
	case kind == fs.ErrPermission:
		found.Hint = "The store denies access: check the credentials and their permissions ('ltxstore check')."
	}
	return found
}

// also is err, but also matches kind.
type also struct{ err, kind error }

func (a also) Error() string   { return a.err.Error() }
func (a also) Unwrap() []error { return []error{a.err, a.kind} }
