package main

import (
	"bytes"
	"context"
	"errors"
	"io"

	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/wrap/compress"
)

// foreign describes files that are not LTX files, such as encrypted ones, and
// names the setting to read them. It returns the empty string if the first
// file is an LTX file or cannot be read. It costs one listing of a level and
// one or two more requests.
func foreign(ctx context.Context, client ltxstore.ReplicaClient) string {
	levels, err := levelsOf(ctx, client)
	if err != nil {
		return ""
	}
	for _, level := range levels {
		files, err := client.LTXFiles(ctx, level, 0, false)
		if err != nil {
			return ""
		}
		var first *ltx.FileInfo
		if files.Next() {
			first = files.Item()
		}
		if err := files.Close(); err != nil {
			return ""
		}
		if first != nil {
			return describe(beginning(ctx, client, first))
		}
	}
	return ""
}

// compressed is how a file of wrap/compress begins.
const compressed = "\x50\x2a\x4d\x18\x04\x00\x00\x00"

// beginning returns the first bytes of a file, or fewer if they cannot be
// read. Those of a file that wrap/compress rejects are the stored ones, unless
// the file is compressed and damaged.
func beginning(ctx context.Context, client ltxstore.ReplicaClient, f *ltx.FileInfo) []byte {
	r, err := client.OpenLTXFile(ctx, f.Level, f.MinTXID, f.MaxTXID, 0, ltx.HeaderSize)
	if decoder, ok := ltxstore.As[*compress.Client](client); ok && errors.Is(err, ltxstore.ErrChecksum) {
		head := beginning(ctx, decoder.Unwrap(), f)
		if bytes.HasPrefix(head, []byte(compressed)) {
			return nil
		}
		return head
	}
	if err != nil {
		return nil
	}
	defer r.Close()
	head, _ := io.ReadAll(r)
	return head
}

// describe identifies content by its first bytes.
func describe(head []byte) string {
	for _, format := range []struct{ magic, what string }{
		{"age-encryption.org/", "encrypted with age: to read them, set crypt.identities=… with the secret key in the URL, or use -config with the file that contains it"},
		{"-----BEGIN AGE ENCRYPTED FILE", "encrypted with age in text form, which is not supported: decrypt them first"},
		{compressed, "compressed with zstd: to read them, set compress=true in the URL"},
		{"\x28\xb5\x2f\xfd", "compressed with zstd by another program, which is not supported: decompress them first"},
		{"\x04\x22\x4d\x18", "compressed with LZ4, like snapshots of Litestream 0.3: they are not LTX files"},
		{"\x1f\x8b", "compressed with gzip, which is not supported: decompress them first"},
		{"SQLite format 3\x00", "SQLite databases, not LTX files"},
	} {
		if bytes.HasPrefix(head, []byte(format.magic)) {
			return "the files are " + format.what
		}
	}
	text := bytes.TrimLeft(head, " \t\r\n\xef\xbb\xbf")
	switch {
	case bytes.HasPrefix(text, []byte("<")):
		return "the files are HTML or XML, perhaps error pages of a proxy"
	case len(head) > 0 && len(bytes.Trim(head, "\x00")) == 0:
		return "the files start with zeros, as after a crash before the disk had written them"
	}
	return ""
}
