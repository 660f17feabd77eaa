// Package crypt stores LTX files encrypted with age
// (https://age-encryption.org/v1), to native keys: X25519 ("age1…",
// "AGE-SECRET-KEY-1…") and hybrid ("age1pq1…", "AGE-SECRET-KEY-PQ-1…").
//
// # Files
//
// Every file is an ordinary age file: the age program decrypts it with an
// identity. What the age program encrypted, to a recipient of ours and without
// armor, is read too. A file that is not encrypted is never read: that is
// ErrChecksum. A range decrypts the chunks of 64 KiB that it touches.
//
// The header of a file that is written here has Config.HeaderSize bytes, whoever
// the recipients are, so that a file's size follows from its stored size without
// a request. The filling is a further stanza, which other programs skip:
//
//	-> ltxstore-v1 LEVEL MIN-MAX.ltx TIME FILLING
//
// The filling is a CRC-32C of the header before it, in 8 hex digits, and zeros. The
// stanza also binds the file to its name. The header's MAC, which takes an identity
// to check and the file's own key to make, covers it.
//
// # What is protected
//
// The store, and who can read it, see the files' names, their sizes, when they
// were written, and the TIME, in milliseconds, of an LTX file, but nothing of
// their content. That a file was changed, cut off, or is another file of this or
// another replica under a name that it was not written as, is detected when it is
// read: ErrChecksum. Three things are not detected. An older version of the same
// file may be put back. A file may be missing. And age does not sign: who knows a
// recipient can encrypt a file to it, and say what name it has. A file of the age
// program is bound to its name only by the transactions in its LTX header, which
// are compared when it is read from the beginning.
//
// # Rotation
//
// Add the new identity wherever files are read, then write to the new recipient.
// Old files are read with the old identity, for as long as there are any. Writing
// to both recipients for a while lets readers change one by one. Hybrid and X25519
// recipients cannot be mixed in one file, which would give away what the hybrid
// one protects; identities can.
package crypt

import (
	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/wrap/internal/codec"
)

// Client is a replica whose files are stored encrypted. It is made by New and safe for
// concurrent use. Besides those of ltxstore.ReplicaClient it has the methods of every
// wrapper; see package wrap. No error shows an identity.
//
// # Listing
//
// Without useMetadata LTXFiles costs what the next client's listing does, and CreatedAt
// is the time that gives; see Config.MixedHeaders for where it costs more. With
// useMetadata it costs one read of Config.HeaderSize bytes for each file that this client
// has neither written nor looked at before, as long as the store lists it with the same
// size and time, and for one of the age program a second, of 64 KiB. They run
// Config.MetadataConcurrency at once, a page ahead of the caller.
//
// A file that cannot be decrypted ends a listing with useMetadata with an error
// (clause T3), and is listed with a size that nobody can tell without.
//
// # Reading
//
// A file, or a range that begins in its first 64 KiB, is one request. Another range is
// one request for the chunks of 64 KiB that it touches, after one for the header if the
// file was not opened before. A range past the end costs two more, which tell a file that
// ends there from one that was cut off.
//
// Without Config.Identities reading is errors.ErrUnsupported; where no identity fits
// the file, fs.ErrPermission. What was changed, cut off or swapped is ErrChecksum,
// at the latest when the bytes in question are read. Only of a file of the age program
// a damaged recipient in the header cannot be told from somebody else: that is
// fs.ErrPermission as well.
//
// # Writing
//
// WriteLTXFile costs what the next client's does for Config.HeaderSize + 16 bytes more,
// and 16 for each 64 KiB. Without Config.Recipients it is errors.ErrUnsupported.
//
// No two encryptions of one body are the same. When the next client refuses to
// replace a file (WriteOnce), the stored one is read back, decrypted and
// compared; without Config.Identities the refusal stands.
//
// DeleteLTXFiles and DeleteAll are the next client's.
type Client struct {
	client
	check func(backend string) (*format, error) // holds the Config: fmt does not print what functions hold
}

type client = codec.Client

// New returns a client that encrypts what goes to next. It sends nothing and
// cannot fail: Init, which every method calls, tells what is wrong with cfg.
func New(next ltxstore.ReplicaClient, cfg Config) *Client {
	return &Client{codec.New(next, wrapper, cfg.open), cfg.check}
}
