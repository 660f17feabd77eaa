package ltxio_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore/internal/ltxio"
)

func TestParseFilename(t *testing.T) {
	for _, txids := range [][2]ltx.TXID{{0, 0}, {1, 1}, {0x9f, 0xa0}, {1, 1<<64 - 1}} {
		lo, hi, ok := ltxio.ParseFilename(ltx.FormatFilename(txids[0], txids[1]))
		assert.True(t, ok)
		assert.Equal(t, txids, [2]ltx.TXID{lo, hi})
	}
	const good = "000000000000000a-000000000000000b.ltx"
	for _, name := range []string{
		"", good[1:], good + "x", good[:len(good)-1], strings.ToUpper(good[:33]) + ".ltx",
		strings.Replace(good, "-", "_", 1), strings.Replace(good, ".ltx", ".tmp", 1), strings.Replace(good, ".ltx", ".LTX", 1),
		"00000000000000g0-000000000000000b.ltx", "000000000000000a-00000000000000:0.ltx",
		"000000000000000/-000000000000000b.ltx", "000000000000000`-000000000000000b.ltx",
		"000000000000000b-000000000000000a.ltx",
	} {
		lo, hi, ok := ltxio.ParseFilename(name)
		assert.False(t, ok, name)
		assert.Zero(t, lo, name)
		assert.Zero(t, hi, name)
	}
}
