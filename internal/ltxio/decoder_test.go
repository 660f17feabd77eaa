package ltxio_test

import (
	"bytes"
	"encoding/binary"
	"io"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore/internal/ltxio"
)

func encoded(t *testing.T, pages int) []byte {
	t.Helper()
	var buf bytes.Buffer
	enc, err := ltx.NewEncoder(&buf)
	require.NoError(t, err)
	require.NoError(t, enc.EncodeHeader(ltx.Header{Version: ltx.Version, Flags: ltx.HeaderFlagNoChecksum,
		PageSize: 512, Commit: uint32(pages), MinTXID: 1, MaxTXID: 1}))
	for i := range pages {
		require.NoError(t, enc.EncodePage(ltx.PageHeader{Pgno: uint32(i + 1)}, bytes.Repeat([]byte{byte(i)}, 512)))
	}
	require.NoError(t, enc.Close())
	return buf.Bytes()
}

func TestDecoder(t *testing.T) {
	body := encoded(t, 3)
	for name, r := range map[string]io.Reader{
		"whole":         bytes.NewReader(body),
		"byte by byte":  iotest.OneByteReader(bytes.NewReader(body)),
		"data with EOF": iotest.DataErrReader(bytes.NewReader(body)),
	} {
		dec := ltxio.NewDecoder(r)
		require.NoError(t, dec.Verify(), name)
		assert.Equal(t, 3, dec.PageN())
		assert.Nil(t, dec.PageIndex())
	}
}

// A damaged size is refused before anything of that size is allocated.
func TestDecoderRefusesFrameSize(t *testing.T) {
	const size = ltx.HeaderSize + ltx.PageHeaderSize
	for _, claimed := range []uint32{0, 1 << 17, 1<<32 - 1} {
		body := encoded(t, 3)
		binary.BigEndian.PutUint32(body[size:], claimed)
		for _, r := range []io.Reader{bytes.NewReader(body), iotest.OneByteReader(bytes.NewReader(body))} {
			dec := ltxio.NewDecoder(r)
			require.NoError(t, dec.DecodeHeader())
			page := make([]byte, 512)
			var hdr ltx.PageHeader
			err := dec.DecodePage(&hdr, page)
			require.ErrorContains(t, err, "frame says it has")
			require.ErrorContains(t, dec.DecodePage(&hdr, page), "frame says it has", "it stays so")
		}
	}
}

func TestName(t *testing.T) {
	assert.Equal(t, "level 1 000000000000000a-000000000000000b.ltx", ltxio.Name(1, 10, 11))
}
