package tree

import (
	"bytes"
	"context"
	"io/fs"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore/backend"
	"github.com/ltxstore/ltxstore/internal/testkit/ltxmodel"
)

func TestSweep(t *testing.T) {
	m := newMemory()
	require.NoError(t, m.MakeDir(t.Context(), "ltx/0000"))
	name := ltx.FormatFilename(7, 7)
	put := func(p string, age time.Duration) {
		m.store(m.root+"/ltx/0000/"+p, []byte("x"), time.Now().Add(-age))
	}
	put("."+name+".1-e.tmp", 25*time.Hour)
	put(name+".tmp", 25*time.Hour)
	put("stranger.tmp", 25*time.Hour)
	put(name, 25*time.Hour)
	changed, begun := "."+name+".1-f.tmp", backend.TempName(name)
	put(changed, 23*time.Hour)
	put(begun, 25*time.Hour)
	require.NoError(t, write(t, newClient(m, plain), strings.NewReader("x")))
	assert.ElementsMatch(t, []string{"ltx/0000/stranger.tmp", "ltx/0000/" + name, "ltx/0000/" + changed, "ltx/0000/" + begun, "ltx/0000/" + ltx.FormatFilename(1, 1)}, m.names())
}

// interleaved calls meanwhile before each Rename.
type interleaved struct {
	*memory
	meanwhile func()
}

func (i interleaved) Rename(ctx context.Context, from, to string) error {
	i.meanwhile()
	return i.memory.Rename(ctx, from, to)
}

// A file that has an old time, as a copy of an old replica's has, is no dead
// writer's before it gets its name.
func TestSweepLeavesOldFilesOnTheirWay(t *testing.T) {
	old := ltxmodel.New(1, 1).File(1, 1)
	m, sweeps := newMemory(), 0
	c := newClient(m, func(s *Store) {
		s.Tree = interleaved{m, func() {
			_, err := newClient(m, plain).WriteLTXFile(t.Context(), 0, 2, 2, strings.NewReader("x"))
			require.NoError(t, err)
			sweeps++
		}}
	})
	require.NoError(t, write(t, c, bytes.NewReader(old)))
	assert.Equal(t, 1, sweeps)
	assert.Equal(t, string(old), read(t, c))
}

// A sweep that fails keeps no write from being done, and is logged; nothing else is.
func TestSweepIsLogged(t *testing.T) {
	temporary := "ltx/0000/." + ltx.FormatFilename(7, 7) + ".1-e.tmp"
	for name, tt := range map[string]struct {
		op   string
		err  error
		says string
	}{
		"done":           {says: `level=INFO msg="ltx temporary file of a killed writer removed" replica=memory key=` + temporary},
		"not listed":     {op: "list", err: fs.ErrPermission, says: `level=WARN msg="ltx sweep of temporary files failed" replica=memory key=ltx/0000/ error="permission denied"`},
		"not removed":    {op: "remove", err: fs.ErrPermission, says: `level=WARN msg="ltx sweep of temporary files failed" replica=memory key=ltx/0000/ error=`},
		"gone":           {op: "remove", err: fs.ErrNotExist},
		"directory gone": {op: "list", err: fs.ErrNotExist},
	} {
		t.Run(name, func(t *testing.T) {
			m := newMemory()
			require.NoError(t, m.MakeDir(t.Context(), "ltx/0000"))
			m.store(m.root+"/"+temporary, []byte("x"), time.Now().Add(-25*time.Hour))
			m.before = func(op, _ string) error {
				if op == tt.op {
					return tt.err
				}
				return nil
			}
			c := newClient(m, plain)
			var log bytes.Buffer
			c.SetLogger(slog.New(slog.NewTextHandler(&log, nil)))
			require.NoError(t, write(t, c, strings.NewReader("x")))
			assert.Contains(t, log.String(), tt.says)
			assert.Equal(t, tt.err == fs.ErrPermission, strings.Contains(log.String(), "level=WARN"), log.String())
		})
	}
}
