package backend_test

import (
	"io/fs"
	"math"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/backend"
)

var layouts = []ltxstore.Layout{ltxstore.LayoutDefault, ltxstore.LayoutLitestream, ltxstore.LayoutLitestreamS3}

func keys(t testing.TB, layout ltxstore.Layout, path string) backend.Keys {
	t.Helper()
	k, err := backend.NewKeys(layout, path)
	require.NoError(t, err)
	return k
}

// The keys of each layout, letter by letter.
func TestKeysLiteral(t *testing.T) {
	const one = "0000000000000001-0000000000000001.ltx"
	const last = "0000000000000001-ffffffffffffffff.ltx"
	for _, tt := range []struct {
		layout   ltxstore.Layout
		path     string
		level    int
		min, max ltx.TXID
		want     string
	}{
		{ltxstore.LayoutDefault, "db", 0, 1, 1, "db/ltx/0000/" + one},
		{ltxstore.LayoutDefault, "a/db", 8, 1, math.MaxUint64, "a/db/ltx/0008/" + last},
		{ltxstore.LayoutDefault, "db", 9, 1, 1, "db/snapshots/" + one},
		{ltxstore.LayoutDefault, "db", 10, 1, 1, "db/ltx/0010/" + one},
		{ltxstore.LayoutDefault, "", 0, 1, 1, "ltx/0000/" + one},
		{ltxstore.LayoutDefault, "", 9, 1, 1, "snapshots/" + one},
		{ltxstore.LayoutDefault, "", 9999, 1, 1, "ltx/9999/" + one},
		{ltxstore.LayoutLitestream, "db", 0, 1, 1, "db/ltx/0/" + one},
		{ltxstore.LayoutLitestream, "db", 9, 1, 1, "db/ltx/9/" + one},
		{ltxstore.LayoutLitestream, "", 12, 1, 1, "ltx/12/" + one},
		{ltxstore.LayoutLitestreamS3, "db", 0, 1, 1, "db/0000/" + one},
		{ltxstore.LayoutLitestreamS3, "db", 9, 1, 1, "db/0009/" + one},
		{ltxstore.LayoutLitestreamS3, "", 10, 1, 1, "000a/" + one},
		{ltxstore.LayoutLitestreamS3, "", 9999, 0xab, 0xcd, "270f/00000000000000ab-00000000000000cd.ltx"},
	} {
		k := keys(t, tt.layout, tt.path)
		assert.Equal(t, tt.want, k.File(tt.level, tt.min, tt.max))
		assert.Equal(t, tt.layout, k.Layout())
		assert.True(t, strings.HasPrefix(tt.want, k.LevelPrefix(tt.level)))
		assert.True(t, strings.HasSuffix(k.LevelPrefix(tt.level), "/"))

		level, ok := k.ParseLevel(k.LevelPrefix(tt.level))
		assert.True(t, ok)
		assert.Equal(t, tt.level, level)
	}
}

// A replica in an object store is where Litestream's joining of its path puts it.
func TestKeysAt(t *testing.T) {
	for path, want := range map[string][3]string{ // default, litestream, litestream-s3
		"":        {"ltx/0001/", "ltx/1/", "/0001/"},
		"db":      {"db/ltx/0001/", "db/ltx/1/", "db/0001/"},
		"/db":     {"db/ltx/0001/", "/db/ltx/1/", "/db/0001/"},
		"db/":     {"db/ltx/0001/", "db/ltx/1/", "db//0001/"},
		"/a//b/.": {"a/b/ltx/0001/", "/a/b/ltx/1/", "/a//b/./0001/"},
		".":       {"ltx/0001/", "ltx/1/", "./0001/"},
		"/":       {"ltx/0001/", "/ltx/1/", "//0001/"},
	} {
		for i, prefix := range want {
			keys, err := backend.KeysAt(ltxstore.Layout(i), path)
			require.NoError(t, err, path)
			assert.Equal(t, prefix, keys.LevelPrefix(1), path)
			level, _, _, ok := keys.Parse(keys.File(1, 2, 3))
			assert.True(t, ok && level == 1, path)
		}
	}
	for _, path := range []string{"a/../b", "a\x00", "\xff"} {
		for layout := range ltxstore.Layout(3) {
			_, err := backend.KeysAt(layout, path)
			assert.ErrorIs(t, err, fs.ErrInvalid, path)
		}
	}
}

func TestZeroKeys(t *testing.T) {
	assert.Equal(t, keys(t, ltxstore.LayoutDefault, "/"), backend.Keys{})
	assert.Empty(t, backend.Keys{}.Prefix())
	assert.Equal(t, "a/db/", keys(t, ltxstore.LayoutDefault, "/a//./db/").Prefix())
}

func TestKeysParseForeign(t *testing.T) {
	const file = "0000000000000001-0000000000000002.ltx"
	strangers := map[ltxstore.Layout][]string{
		ltxstore.LayoutDefault: {
			"db/ltx/0/" + file, "db/ltx/00000/" + file, "db/ltx/0009/" + file, "db/ltx/10000/" + file, "db/ltx/-001/" + file,
			"db/ltx/+001/" + file, "db/ltx/0x01/" + file, "db/ltx/000a/" + file, "db/0000/" + file, "db/ltx/snapshots/" + file,
			"db/snapshots/0009/" + file, "db/ltx/" + file, "db/" + file, "db/ltx//0000/" + file,
		},
		ltxstore.LayoutLitestream: {
			"db/ltx/0000/" + file, "db/ltx/01/" + file, "db/ltx/-1/" + file, "db/ltx/10000/" + file, "db/snapshots/" + file,
			"db/0/" + file, "db/ltx/a/" + file, "db/ltx/ 1/" + file, "db/ltx/1_0/" + file,
		},
		ltxstore.LayoutLitestreamS3: {
			"db/0/" + file, "db/00000/" + file, "db/2710/" + file, "db/000A/" + file, "db/ffff/" + file, "db/ltx/0000/" + file,
			"db/ltx/0/" + file, "db/snapshots/" + file, "db/0x00/" + file,
		},
	}
	for layout, own := range strangers {
		k := keys(t, layout, "db")
		common := []string{"", "/", "db", "db/", file, "/" + k.File(1, 1, 2), "x" + k.File(1, 1, 2), k.File(1, 1, 2) + "/", k.File(1, 1, 2) + ".tmp",
			strings.Replace(k.File(1, 1, 2), "db/", "db2/", 1), strings.Replace(k.File(1, 1, 2), "db/", "db//", 1), k.LevelPrefix(1),
			k.LevelPrefix(1) + "deeper/" + file, k.LevelPrefix(1) + "0000000000000002-0000000000000001.ltx",
			k.LevelPrefix(1) + "000000000000000A-000000000000000B.ltx", k.LevelPrefix(1) + "000000000000000g-000000000000000h.ltx"}
		for _, key := range slices.Concat(own, common) {
			_, _, _, ok := k.Parse(key)
			assert.False(t, ok, "%v: %q", layout, key)
		}
		for _, prefix := range []string{"", "db", "db/", k.LevelPrefix(1) + "/", strings.TrimSuffix(k.LevelPrefix(1), "/"), k.LevelPrefix(1) + file} {
			_, ok := k.ParseLevel(prefix)
			assert.False(t, ok, "%v: %q", layout, prefix)
		}
	}
}

// Every key of a lower MinTXID sorts before Seek, every other after it.
func TestSeekOrder(t *testing.T) {
	ids := []ltx.TXID{0, 1, 2, 9, 10, 15, 16, 17, 255, 256, 1 << 32, math.MaxUint64 - 1, math.MaxUint64}
	for _, layout := range layouts {
		for _, level := range []int{0, 9, 10, ltxstore.MaxLevel} {
			k := keys(t, layout, "db")
			for _, seek := range ids {
				s := k.Seek(level, seek)
				assert.True(t, strings.HasPrefix(s, k.LevelPrefix(level)))
				_, _, _, isFile := k.Parse(s)
				assert.False(t, isFile, "the seek string is no file's key")
				for _, lo := range ids {
					for _, hi := range ids {
						if hi < lo {
							continue
						}
						key := k.File(level, lo, hi)
						assert.Equal(t, lo < seek, key < s, "seek %s key %s", s, key)
						assert.NotEqual(t, s, key)
					}
				}
			}
		}
	}
}

func TestKeysAllocateOnce(t *testing.T) {
	k := keys(t, ltxstore.LayoutDefault, "some/path/db")
	key := k.File(1, 1, 2)
	assert.LessOrEqual(t, testing.AllocsPerRun(100, func() { key = k.File(0, 1, 2) }), 2.0)
	assert.LessOrEqual(t, testing.AllocsPerRun(100, func() { k.Parse(key) }), 2.0, "listings parse every name")
}

func FuzzKeys(f *testing.F) {
	f.Add(uint8(0), "db", 0, uint64(1), uint64(1))
	f.Add(uint8(0), "/a//b/", 9, uint64(1), uint64(math.MaxUint64))
	f.Add(uint8(1), "", 12, uint64(7), uint64(3))
	f.Add(uint8(2), "a/../b", 9999, uint64(0), uint64(0))
	f.Add(uint8(3), "ltx/0000", -1, uint64(0), uint64(0))
	f.Fuzz(func(t *testing.T, layout uint8, path string, level int, a, b uint64) {
		k, err := backend.NewKeys(ltxstore.Layout(layout), path)
		if err != nil {
			require.ErrorIs(t, err, fs.ErrInvalid)
			return
		}
		lo, hi := ltx.TXID(min(a, b)), ltx.TXID(max(a, b))
		if backend.CheckFile(level, lo, hi) != nil {
			return
		}
		key := k.File(level, lo, hi)
		require.True(t, strings.HasPrefix(key, k.Prefix()))
		require.True(t, strings.HasPrefix(key, k.LevelPrefix(level)))
		for segment := range strings.SplitSeq(key, "/") {
			require.NotContains(t, []string{"", ".", ".."}, segment, key)
		}
		require.True(t, utf8.ValidString(key))

		gotLevel, gotLo, gotHi, ok := k.Parse(key)
		require.True(t, ok, key)
		require.Equal(t, level, gotLevel)
		require.Equal(t, [2]ltx.TXID{lo, hi}, [2]ltx.TXID{gotLo, gotHi})
		gotLevel, ok = k.ParseLevel(k.LevelPrefix(level))
		require.True(t, ok)
		require.Equal(t, level, gotLevel)

		for _, seek := range []ltx.TXID{ltx.TXID(a), ltx.TXID(b), lo + 1, hi - 1, 0} {
			require.Equal(t, lo < seek, key < k.Seek(level, seek))
		}
	})
}

func FuzzParse(f *testing.F) {
	for _, layout := range layouts {
		k := keys(f, layout, "db")
		for _, level := range []int{0, 9, 10} {
			f.Add(uint8(layout), "db", k.File(level, 1, 2))
			f.Add(uint8(layout), "db", k.LevelPrefix(level))
		}
	}
	f.Add(uint8(0), "", "ltx/0009/0000000000000001-0000000000000001.ltx")
	f.Fuzz(func(t *testing.T, layout uint8, path, key string) {
		k, err := backend.NewKeys(ltxstore.Layout(layout), path)
		if err != nil {
			return
		}
		if level, lo, hi, ok := k.Parse(key); ok {
			require.NoError(t, backend.CheckFile(level, lo, hi))
			require.Equal(t, key, k.File(level, lo, hi))
		}
		if level, ok := k.ParseLevel(key); ok {
			require.NoError(t, backend.CheckLevel(level))
			require.Equal(t, key, k.LevelPrefix(level))
		}
		if lo, hi, ok := backend.ParseFilename(key); ok {
			require.LessOrEqual(t, lo, hi)
			require.Equal(t, key, ltx.FormatFilename(lo, hi))
		}
	})
}

// Every file is right below a level that Holders leads to.
func TestKeysHolders(t *testing.T) {
	for layout, want := range map[ltxstore.Layout][2][]string{
		ltxstore.LayoutDefault:      {{"db/ltx/"}, {"db/snapshots/"}},
		ltxstore.LayoutLitestream:   {{"db/ltx/"}, nil},
		ltxstore.LayoutLitestreamS3: {{"db/"}, nil},
	} {
		keys := keys(t, layout, "db")
		holders, levels := keys.Holders()
		assert.Equal(t, want, [2][]string{holders, levels}, layout)
		for _, level := range []int{0, 1, ltxstore.SnapshotLevel, ltxstore.MaxLevel} {
			prefix := keys.LevelPrefix(level)
			below := slices.ContainsFunc(holders, func(holder string) bool {
				name, ok := strings.CutPrefix(prefix, holder)
				return ok && strings.Count(name, "/") == 1
			})
			assert.True(t, below || slices.Contains(levels, prefix), prefix)
		}
	}
}
