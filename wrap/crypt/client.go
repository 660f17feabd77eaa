// Package crypt stores LTX files encrypted with age (https://age-encryption.org/v1), with
// native keys: X25519 ("age1…", "AGE-SECRET-KEY-1…") and hybrid ("age1pq1…",
// "AGE-SECRET-KEY-PQ-1…"). Put [github.com/ltxstore/ltxstore/wrap/compress]
// outside of it, because encrypted bytes do not compress.
//
// # Files
//
// Every file is an ordinary age file, which the age program decrypts with an identity. Its header
// has 4096 bytes, whatever the recipients, so that a file's size follows from its stored size.
// The last stanza of the header, which other programs ignore, binds the file to its name and
// pads the header:
//
//	-> ltxstore-v1 LEVEL MIN-MAX.ltx TIME PADDING
//
// The padding is a checksum of what precedes it, and zeros. Reading a file without this stanza, or
// one that is not encrypted, fails with ltxstore.ErrChecksum. Package
// [github.com/ltxstore/ltxstore/transfer] copies an unencrypted replica to an encrypted one.
//
// # What is protected
//
// Anyone who can read the store sees the names and sizes of files, when they
// were written, and the TIME, in milliseconds, of LTX files, but none of their content. A
// file that was changed, cut off, or replaced by another file of this or another replica
// is detected when it is read: ltxstore.ErrChecksum. Not detected are an older version of the same
// file, a missing file, and a file encrypted by someone else who knows a recipient, because age does
// not sign.
//
// # Rotation
//
// Add the new identity wherever files are read, then write to the new recipient. Keep the
// old identity as long as there are old files. To change readers one by one, write to
// both recipients for a while. Hybrid and X25519 recipients cannot be mixed in one file,
// which would lose the protection of the hybrid one; identities can.
package crypt

import (
	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/wrap/internal/codec"
)

// Client is a replica whose files are stored encrypted. New returns one. It is safe for concurrent
// use. No error contains an identity.
//
// # Listing
//
// Without useMetadata LTXFiles costs the next client's listing, and returns its CreatedAt. With
// useMetadata it costs one small read for each file that this client has not written or listed
// before, or that the store now lists with another size or time. A file that cannot be decrypted
// ends such a listing with an error (clause T3); without useMetadata it is listed, with a size that
// may be wrong.
//
// # Reading
//
// A range decrypts the chunks of 64 KiB that it touches. A whole file, or a range that begins in its
// first chunk, costs one request. Another range costs one more, for the header, if the file was not
// opened before. A range past the end costs two more, to tell whether the file was cut off.
//
// Without Config.Identities reading fails with errors.ErrUnsupported, and if none of them
// is for the file, with fs.ErrPermission.
//
// # Writing
//
// A stored body is larger by 4112 bytes, and 16 for each 64 KiB. Without
// Config.Recipients writing fails with errors.ErrUnsupported. No two encryptions of a body are equal: if the
// next client refuses to replace a file (WriteOnce), the stored one is read, decrypted and
// compared; without Config.Identities the write fails with fs.ErrExist.
type Client struct{ *client }

type client = codec.Client

// New returns a client that stores files in next encrypted. It sends no request and does not
// fail. If cfg is invalid, Init and every other method fail with fs.ErrInvalid.
func New(next ltxstore.ReplicaClient, cfg Config) *Client {
	return &Client{codec.New(next, cfg.MetadataConcurrency, cfg.CacheSize, cfg.open)}
}
