package litestream

import (
	"errors"
	"io/fs"

	engine "github.com/benbjohnson/litestream"
	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore"
)

// ofFile returns err, of a file in the replica, as the engine knows errors of
// files: it logs the hint, and if "auto-recover" is on, it starts anew from a
// snapshot when a file is missing or corrupt, and never for anything else.
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
		found.Hint = "The replica does not have the file: retention or another process has deleted it. " +
			"'ltxstore verify' tells what can be restored; a new snapshot makes the replica whole again."
	case kind == ltxstore.ErrChecksum:
		found.Err = also{err, engine.ErrLTXCorrupted}
		found.Hint = "The file's content is not what was written. 'ltxstore verify' tells what can be restored, " +
			"and 'ltxstore restore -skip-damaged' restores without the file; a new snapshot makes the replica whole again."
	case kind == ltxstore.ErrStoreNotFound:
		found.Hint = "The bucket or the directory is not there: create it, or correct the replica's settings."
	case kind == fs.ErrPermission:
		found.Hint = "The store denies it: check the credentials and what they may do ('ltxstore check')."
	}
	return found
}

// also is an error that also matches another one, without its text.
type also struct{ err, kind error }

func (a also) Error() string   { return a.err.Error() }
func (a also) Unwrap() []error { return []error{a.err, a.kind} }
