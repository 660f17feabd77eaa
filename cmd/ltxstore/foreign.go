package main

import (
	"bytes"
	"context"
	"io"

	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore"
)

// foreign describes files that are not LTX files, such as encrypted ones, and
// names the setting to read them. It returns the empty string if the first
// file is an LTX file or cannot be read. It costs one listing of a level and
// one more request.
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

// beginning returns the first bytes of a file, or fewer if they cannot be
// read.
func beginning(ctx context.Context, client ltxstore.ReplicaClient, f *ltx.FileInfo) []byte {
	r, err := client.OpenLTXFile(ctx, f.Level, f.MinTXID, f.MaxTXID, 0, ltx.HeaderSize)
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
		{"age-encryption.org/", "encrypted by age: to read them, crypt.identities=… in the URL, with the secret key, or -config with the file that has it"},
		{"-----BEGIN AGE ENCRYPTED FILE", "encrypted by age, as text, which nothing here reads: decrypt them first"},
		{"\x28\xb5\x2f\xfd", "compressed by zstd: to read them, compress=true in the URL"},
		{"\x04\x22\x4d\x18", "compressed by lz4, as Litestream 0.3 writes snapshots: they hold no LTX"},
		{"\x1f\x8b", "compressed by gzip, which nothing here reads: decompress them first"},
		{"SQLite format 3\x00", "SQLite databases, not LTX files"},
	} {
		if bytes.HasPrefix(head, []byte(format.magic)) {
			return "the files are " + format.what
		}
	}
	text := bytes.TrimLeft(head, " \t\r\n\xef\xbb\xbf")
	switch {
	case bytes.HasPrefix(text, []byte("<")):
		return "the files are HTML or XML, perhaps what a proxy has answered in place of them"
	case len(head) > 0 && len(bytes.Trim(head, "\x00")) == 0:
		return "the files begin with zeros, as after a crash of a disk that had not written them"
	}
	return ""
}
