package crypt

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"testing"
	"time"

	"filippo.io/age"
	"github.com/stretchr/testify/require"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/backend"
	"github.com/ltxstore/ltxstore/wrap/internal/layer"
)

var fuzzFile = layer.File{Level: 3, MinTXID: 5, MaxTXID: 9}

func fuzzHeader(f *testing.F, b binding) (id *age.X25519Identity, file []byte) {
	id, err := age.GenerateX25519Identity()
	require.NoError(f, err)
	r, err := age.EncryptReader(bytes.NewReader([]byte("body")), &bound{recipients: []age.Recipient{id.Recipient()}, binding: b, size: 512})
	require.NoError(f, err)
	file, err = io.ReadAll(r)
	require.NoError(f, err)
	return id, file
}

// What is taken for a header ends where age's own parser says, is not longer than
// is allowed, and everything else is ErrChecksum.
func FuzzHeader(f *testing.F) {
	_, file := fuzzHeader(f, binding{file: fuzzFile, time: time.UnixMilli(1700000000123), isLTX: true})
	f.Add(file)
	f.Add(file[:512])
	f.Add(file[:100])
	f.Fuzz(func(t *testing.T, file []byte) {
		header, err := readHeader(bufio.NewReaderSize(bytes.NewReader(file), 16))
		if err != nil {
			require.ErrorIs(t, err, ltxstore.ErrChecksum)
			if errors.Is(err, errShortHeader) {
				require.LessOrEqual(t, len(file), maxHeaderSize)
			}
			return
		}
		require.LessOrEqual(t, len(header), maxHeaderSize)
		require.True(t, bytes.HasPrefix(file, header))
		if parsed, err := age.ExtractHeader(bytes.NewReader(file)); err == nil {
			require.Equal(t, string(parsed), string(header))
		}
	})
}

// What a stanza is taken to say is what would be written for it.
func FuzzBinding(f *testing.F) {
	for _, b := range []binding{{file: fuzzFile}, {file: fuzzFile, time: time.UnixMilli(1), isLTX: true}} {
		_, file := fuzzHeader(f, b)
		f.Add(file[:512])
	}
	f.Add([]byte("-> ltxstore-v1 1 2 3\n"))
	f.Add([]byte("-> ltxstore-v1 0 0000000000000001-0000000000000001.ltx 0001\n"))
	f.Add([]byte("-> ltxstore-v1 +1 0000000000000001-0000000000000001.ltx 9223372036854775807\n"))
	f.Fuzz(func(t *testing.T, header []byte) {
		b, ok, err := parseBinding(header)
		if err != nil {
			require.ErrorIs(t, err, ltxstore.ErrChecksum)
			return
		}
		if ok {
			require.NoError(t, backend.CheckFile(b.file.Level, b.file.MinTXID, b.file.MaxTXID))
			for _, arg := range b.args() {
				require.Contains(t, string(header), " "+arg)
			}
		}
	})
}
