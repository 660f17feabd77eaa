package verify_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/internal/testkit/ltxmodel"
	"github.com/ltxstore/ltxstore/mock"
	"github.com/ltxstore/ltxstore/verify"
)

type at struct {
	level    int
	min, max ltx.TXID
}

func replica(t testing.TB, h *ltxmodel.History, files ...at) *mock.ReplicaClient {
	t.Helper()
	c := mock.NewReplicaClient(mock.Config{PageSize: 2})
	c.SetLogger(nil)
	put(t, c, h, files...)
	return c
}

func put(t testing.TB, c *mock.ReplicaClient, h *ltxmodel.History, files ...at) {
	t.Helper()
	for _, f := range files {
		_, err := c.WriteLTXFile(t.Context(), f.level, f.min, f.max, bytes.NewReader(h.File(f.min, f.max)))
		require.NoError(t, err)
	}
}

// sound is a replica with nothing wrong in it.
var sound = []at{{0, 4, 4}, {0, 5, 5}, {0, 6, 6}, {0, 7, 7}, {1, 1, 2}, {1, 3, 4}, {1, 5, 6}, {2, 1, 4}, {9, 1, 3}, {9, 1, 5}}

func run(t testing.TB, c ltxstore.ReplicaClient, cfg verify.Config) *verify.Report {
	t.Helper()
	report, err := verify.Run(t.Context(), c, cfg)
	require.NoError(t, err)
	return report
}

// kinds returns what was found, in short.
func kinds(r *verify.Report) (found []string) {
	for _, f := range r.Findings {
		found = append(found, string(f.Severity)+" "+string(f.Kind))
	}
	return found
}

func TestSound(t *testing.T) {
	for _, tracked := range []bool{false, true} {
		h := ltxmodel.New(1, 8)
		h.Tracked = tracked
		c := replica(t, h, sound...)
		var told []verify.Progress
		r := run(t, c, verify.Config{Progress: func(p verify.Progress) { told = append(told, p) }})
		assert.Empty(t, r.Findings)
		assert.True(t, r.OK())
		assert.Equal(t, len(sound), r.Files)
		require.Len(t, r.Levels, 4)
		var size int64
		for _, key := range c.Store().Keys() {
			object, _ := c.Store().Get(key)
			size += int64(len(object.Body))
		}
		assert.Equal(t, size, r.Bytes)
		assert.Equal(t, size, r.Levels[0].Bytes+r.Levels[1].Bytes+r.Levels[2].Bytes+r.Levels[3].Bytes)
		l := r.Levels[1]
		assert.Equal(t, verify.Level{Level: 1, Files: 3, Bytes: l.Bytes, First: 1, Last: 6}, l)
		assert.Equal(t, &verify.State{TXID: 7, Time: h.Time(7), Files: 3, Bytes: r.Restore.Bytes}, r.Restore)
		require.Greater(t, len(told), len(sound))
		assert.Equal(t, verify.Progress{Level: 9, Files: len(sound), Bytes: size}, told[len(sound)-1])
		assert.Equal(t, verify.Progress{Level: -1, Files: len(sound), Bytes: size + r.Restore.Bytes}, told[len(told)-1])
		assert.Equal(t, []any{true, false, []int{}}, []any{r.Complete, r.RestoreUnknown, r.Unchecked})
	}
}

// Everything that can be wrong with one file is found, and the others are
// looked at all the same.
func TestOneFileIsWrong(t *testing.T) {
	h := ltxmodel.New(1, 8)
	key := "ltx/0000/0000000000000006-0000000000000006.ltx"
	whole := h.File(6, 6)
	flipped := bytes.Clone(whole)
	flipped[len(flipped)/2] ^= 1
	huge := bytes.Clone(whole)
	copy(huge[ltx.HeaderSize+ltx.PageHeaderSize:], "\xff\xff\xff\xff")
	for name, tt := range map[string]struct {
		body []byte
		kind string
		says string
	}{
		"torn in a page":   {whole[:300], "error torn", "level 0 0000000000000006-0000000000000006.ltx is torn: file ends after 300 bytes, before it is complete (page 2: read compressed data: unexpected EOF); no more was stored"},
		"torn in header":   {whole[:50], "error torn", "file ends after 50 bytes"},
		"torn at its end":  {whole[:len(whole)-1], "error torn", "is torn"},
		"flipped bit":      {flipped, "error corrupt", "is corrupt"},
		"more at its end":  {append(bytes.Clone(whole), 0), "error corrupt", "unexpected data after trailer"},
		"not LTX":          {bytes.Repeat([]byte("x"), 200), "error corrupt", "invalid LTX file"},
		"huge frame":       {huge, "error corrupt", "frame has size 4294967295"},
		"other file's":     {h.File(7, 7), "error name", "contains transactions 0000000000000007 to 0000000000000007"},
		"other beginning":  {h.File(5, 6), "error name", "contains transactions 0000000000000005 to 0000000000000006"},
		"other file's end": {h.File(6, 7), "error name", "contains transactions 0000000000000006 to 0000000000000007"},
	} {
		t.Run(name, func(t *testing.T) {
			c := replica(t, h, sound...)
			c.Store().Put(key, mock.Object{Body: tt.body})
			var open ltxmodel.Open
			c.OpenLTXFileFunc = func(ctx context.Context, level int, minTXID, maxTXID ltx.TXID, offset, size int64) (io.ReadCloser, error) {
				return open.Count(c.Default().OpenLTXFile(ctx, level, minTXID, maxTXID, offset, size))
			}
			beforeDryRun := 0
			r := run(t, c, verify.Config{Concurrency: 2, Progress: func(p verify.Progress) {
				if p.Level >= 0 {
					beforeDryRun = open.Most()
				}
			}})
			assert.Zero(t, open.Now(), "readers left open")
			assert.LessOrEqual(t, beforeDryRun, 2)
			assert.LessOrEqual(t, open.Most(), 8, "a restore opens four times as many small files")
			require.Equal(t, []string{tt.kind}, kinds(r), r.Findings)
			assert.Contains(t, r.Findings[0].Message, tt.says)
			assert.Equal(t, []any{0, ltx.TXID(6), ltx.TXID(6)}, []any{r.Findings[0].Level, r.Findings[0].MinTXID, r.Findings[0].MaxTXID})
			assert.False(t, r.OK())
			assert.True(t, r.Complete)
			assert.Equal(t, len(sound), r.Files)
			assert.Equal(t, ltx.TXID(7), r.Restore.TXID, "level 1 makes up for it")
		})
	}
}

// What the store does not give is told from what is damaged.
func TestStoreFails(t *testing.T) {
	h := ltxmodel.New(1, 8)
	broken := errors.New("broken")
	for name, tt := range map[string]struct {
		fault    mock.Fault
		kinds    []string
		complete bool
	}{
		"open":    {mock.Fault{Op: mock.OpOpen, Levels: []int{1}, MinTXID: 3, Err: broken}, []string{"error unreadable"}, true},
		"read":    {mock.Fault{Op: mock.OpRead, Levels: []int{1}, MinTXID: 3, After: 200, Err: io.ErrUnexpectedEOF}, []string{"error unreadable"}, true},
		"deleted": {mock.Fault{Op: mock.OpOpen, Levels: []int{1}, MinTXID: 3, Err: fs.ErrNotExist}, []string{"info deleted", "warning gap"}, true},
		"list":    {mock.Fault{Op: mock.OpList, Levels: []int{1}, Err: broken}, []string{"error list"}, false},
		"page":    {mock.Fault{Op: mock.OpNext, Levels: []int{1}, After: 2, Err: broken}, []string{"error list"}, false},
		"plan":    {mock.Fault{Op: mock.OpList, Levels: []int{1}, Nth: 2, Err: broken}, []string{"error list"}, false},
	} {
		t.Run(name, func(t *testing.T) {
			c := replica(t, h, sound...)
			c.Script(t, tt.fault)
			r := run(t, c, verify.Config{Concurrency: 1})
			require.ElementsMatch(t, tt.kinds, kinds(r), r.Findings)
			assert.Equal(t, tt.complete, r.Complete)
			assert.Equal(t, name == "deleted", r.OK())
		})
	}
}

// A listing with a file of no bytes is one that a client must not give; if
// one does, the file is torn.
func TestZeroBytes(t *testing.T) {
	h := ltxmodel.New(1, 8)
	inner := replica(t, h, sound...)
	c := &mock.ReplicaClient{OpenLTXFileFunc: inner.OpenLTXFile}
	c.LTXFilesFunc = func(ctx context.Context, level int, seek ltx.TXID, useMetadata bool) (ltx.FileIterator, error) {
		if level == 3 {
			return ltx.NewFileInfoSliceIterator([]*ltx.FileInfo{{Level: 3, MinTXID: 2, MaxTXID: 2}}), nil
		}
		return inner.LTXFiles(ctx, level, seek, useMetadata)
	}
	r := run(t, c, verify.Config{})
	require.Equal(t, []string{"error torn"}, kinds(r))
	assert.Contains(t, r.Findings[0].Message, "has no bytes")

	// Others leave it out of the listing, and report it.
	inner.Store().Put("ltx/0000/0000000000000006-0000000000000006.ltx", mock.Object{})
	r = run(t, inner, verify.Config{})
	require.Equal(t, []string{"error torn", "warning gap"}, kinds(r))
	assert.Equal(t, "level 0 0000000000000006-0000000000000006.ltx has no bytes: its upload was interrupted", r.Findings[0].Message)
	assert.False(t, r.OK())

	// Where there is nothing else, the replica is not sound either.
	inner = replica(t, h)
	inner.Store().Put("ltx/0000/0000000000000001-0000000000000001.ltx", mock.Object{})
	r = run(t, inner, verify.Config{})
	require.Equal(t, []string{"error restore", "error torn"}, kinds(r))
	assert.Contains(t, r.Findings[0].Message, "nothing can be restored: ")
}

// A file that has another size than its listing says can be read, and somebody
// should know.
func TestListedSize(t *testing.T) {
	inner := replica(t, ltxmodel.New(1, 8), sound...)
	c := &mock.ReplicaClient{OpenLTXFileFunc: inner.OpenLTXFile}
	c.LTXFilesFunc = func(ctx context.Context, level int, seek ltx.TXID, useMetadata bool) (ltx.FileIterator, error) {
		files, err := ltxstore.FindLTXFiles(ctx, inner, level, useMetadata, func(info *ltx.FileInfo) (bool, error) {
			if level == 2 {
				info.Size++
			}
			return info.MinTXID >= seek, nil
		})
		return ltx.NewFileInfoSliceIterator(files), err
	}
	r := run(t, c, verify.Config{})
	require.Equal(t, []string{"error size"}, kinds(r))
	assert.Equal(t, ltx.TXID(7), r.Restore.TXID)
	assert.Equal(t, 3, r.Restore.Files, "it can be restored from")
}

func TestFilesDoNotFit(t *testing.T) {
	h, other := ltxmodel.New(1, 12), ltxmodel.New(2, 12)
	h.Tracked, other.Tracked = true, true
	for name, tt := range map[string]struct {
		files, others []at
		kinds         []string
		says          string
		restored      ltx.TXID
	}{
		"gap that others fill": {[]at{{0, 1, 1}, {0, 3, 3}, {0, 4, 4}, {1, 1, 3}}, nil, []string{"warning gap"},
			"level 0 has no transactions 0000000000000002 to 0000000000000002", 4},
		"gap": {[]at{{0, 1, 1}, {0, 5, 5}}, nil, []string{"error restore", "warning gap"},
			"transactions 0000000000000002 to 0000000000000004 are missing, but there are files after them; the last that can be restored is 0000000000000001", 1},
		"no beginning":               {[]at{{0, 4, 4}, {0, 5, 5}}, nil, []string{"error restore"}, "nothing can be restored", 0},
		"overlap":                    {[]at{{1, 1, 4}, {1, 3, 6}}, nil, []string{"info overlap"}, "overlaps previous files, which end with transaction 0000000000000004", 6},
		"overlap of one transaction": {[]at{{1, 1, 4}, {1, 4, 6}}, nil, []string{"info overlap"}, "overlaps previous files, which end with transaction 0000000000000004", 6},
		"no snapshot":                {[]at{{9, 1, 4}, {9, 3, 6}}, nil, []string{"warning snapshot"}, "is not a snapshot: it starts with transaction 0000000000000003", 6},
		"two histories": {[]at{{0, 1, 1}, {0, 2, 2}}, []at{{0, 3, 3}}, []string{"error restore", "error history"},
			"transactions 0000000000000003 to 0000000000000003 are only in files that are damaged or have another history; previous ones can be restored with -skip-damaged", 2},
		"two histories on two levels": {[]at{{0, 1, 1}, {0, 2, 2}, {0, 3, 3}}, []at{{1, 1, 2}}, []string{"error restore", "error history"},
			"the newest state can be restored only with -skip-damaged: mock: restore level 1 0000000000000001-0000000000000002.ltx: the database after it has checksum", 3},
		"another history that is not used": {[]at{{0, 1, 1}, {0, 2, 2}, {0, 3, 3}, {9, 1, 3}}, []at{{1, 1, 2}}, []string{"error history"},
			"leads to a database with checksum", 3},
		"a history that begins later": {[]at{{9, 1, 5}, {0, 4, 4}}, []at{{1, 5, 5}}, []string{"error history"},
			"applies to a database with checksum", 5},
		"nothing": {nil, nil, nil, "", 0},
	} {
		t.Run(name, func(t *testing.T) {
			c := replica(t, h, tt.files...)
			put(t, c, other, tt.others...)
			r := run(t, c, verify.Config{})
			require.Equal(t, tt.kinds, kinds(r), r.Findings)
			if tt.kinds != nil {
				assert.Contains(t, r.Findings[0].Message, tt.says)
			}
			if tt.restored == 0 {
				assert.Nil(t, r.Restore)
			} else {
				assert.Equal(t, tt.restored, r.Restore.TXID)
				assert.True(t, h.Time(tt.restored).Equal(r.Restore.Time))
			}
		})
	}
}

func TestPageSize(t *testing.T) {
	c := replica(t, ltxmodel.New(1, 2), at{0, 1, 1})
	var buf bytes.Buffer
	enc, err := ltx.NewEncoder(&buf)
	require.NoError(t, err)
	require.NoError(t, enc.EncodeHeader(ltx.Header{Version: ltx.Version, Flags: ltx.HeaderFlagNoChecksum, PageSize: 1024, Commit: 1, MinTXID: 2, MaxTXID: 2}))
	require.NoError(t, enc.Close())
	_, err = c.WriteLTXFile(t.Context(), 0, 2, 2, &buf)
	require.NoError(t, err)
	r := run(t, c, verify.Config{})
	require.Equal(t, []string{"error restore", "error page size"}, kinds(r))
	assert.Contains(t, r.Findings[1].Message, "pages of 1024 bytes, but the previous file of 512")
}

// A newest file that is damaged does not make the state before it the newest.
func TestNewestIsDamaged(t *testing.T) {
	c := replica(t, ltxmodel.New(1, 8), sound...)
	c.Store().Put("ltx/0000/0000000000000007-0000000000000007.ltx", mock.Object{Body: []byte("LTX1")})
	r := run(t, c, verify.Config{})
	require.Equal(t, []string{"error restore", "error torn"}, kinds(r))
	assert.Equal(t, "transactions 0000000000000007 to 0000000000000007 are only in files that are damaged or have another history; previous ones can be restored with -skip-damaged", r.Findings[0].Message)
	assert.True(t, r.Restore.SkipDamaged)
	assert.Equal(t, ltx.TXID(6), r.Restore.TXID)
}

// Findings of several levels and severities are in order, and are JSON.
func TestReportJSON(t *testing.T) {
	c := replica(t, ltxmodel.New(1, 12), at{2, 1, 3}, at{2, 2, 4}, at{1, 1, 2}, at{1, 4, 4}, at{0, 6, 6}, at{0, 7, 7})
	c.Store().Put("ltx/0000/0000000000000007-0000000000000007.ltx", mock.Object{Body: []byte("LTX1")})
	r := run(t, c, verify.Config{})
	require.Equal(t, []string{"error restore", "error torn", "warning gap", "info overlap"}, kinds(r))
	assert.Equal(t, 2, r.Count(verify.Error))
	b, err := json.Marshal(r)
	require.NoError(t, err)
	assert.Contains(t, string(b), `{"severity":"warning","kind":"gap","level":1,"min_txid":"0000000000000003","max_txid":"0000000000000003","message":"level 1 has no`)
	var again verify.Report
	require.NoError(t, json.Unmarshal(b, &again))
	assert.Equal(t, *r, again)
}

func TestLevels(t *testing.T) {
	c := replica(t, ltxmodel.New(1, 8), sound...)
	c.Store().Put("ltx/0000/0000000000000007-0000000000000007.ltx", mock.Object{Body: []byte("x")})
	r := run(t, c, verify.Config{Levels: []int{2, 1}})
	assert.Equal(t, []string{"error restore"}, kinds(r), "what can be restored is found from all levels")
	assert.Equal(t, 4, r.Files)
	for _, at := range []at{{10, 1, 2}, {9999, 3, 4}} {
		put(t, c, ltxmodel.New(1, 8), at)
	}
	r = run(t, c, verify.Config{})
	require.Len(t, r.Levels, 6)
	assert.Equal(t, []int{10, 9999}, []int{r.Levels[4].Level, r.Levels[5].Level})
}

// failingLevels cannot list its levels.
type failingLevels struct{ ltxstore.ReplicaClient }

func (failingLevels) LTXLevels(context.Context) ([]int, error) { return nil, errors.New("broken") }

// Where levels cannot be listed, the usual ones are checked, and others may be missed.
func TestLevelsCannotBeListed(t *testing.T) {
	c := replica(t, ltxmodel.New(1, 8), sound...)
	r := run(t, failingLevels{c}, verify.Config{})
	require.Contains(t, kinds(r), "error list")
	assert.Contains(t, r.Findings[0].Message+r.Findings[len(r.Findings)-1].Message, "levels cannot be listed: broken")
	assert.False(t, r.Complete)
	assert.Equal(t, len(sound), r.Files)
}

// What was not looked at is told, and nothing is concluded from its absence.
func TestCancelled(t *testing.T) {
	for _, concurrency := range []int{1, 2, 16} {
		for stop := 1; stop <= len(sound)+1; stop++ {
			c := replica(t, ltxmodel.New(1, 8), sound...)
			ctx, cancel := context.WithCancel(t.Context())
			// Some reads fail with the context, while others beside them end well.
			c.OpenLTXFileFunc = func(ctx context.Context, level int, minTXID, maxTXID ltx.TXID, offset, size int64) (io.ReadCloser, error) {
				if ctx.Err() != nil && minTXID%2 == 0 {
					ctx = context.WithoutCancel(ctx)
				}
				return c.Default().OpenLTXFile(ctx, level, minTXID, maxTXID, offset, size)
			}
			told := 0
			r, err := verify.Run(ctx, c, verify.Config{Concurrency: concurrency, Progress: func(verify.Progress) {
				if told++; told == stop {
					cancel()
				}
			}})
			cancel()
			require.ErrorIs(t, err, context.Canceled)
			assert.False(t, r.Complete)
			assert.GreaterOrEqual(t, r.Files, min(stop, len(sound)), "what was done is reported")
			assert.Empty(t, r.Findings, "what was not read is not wrong")
			assert.Nil(t, r.Restore)
			assert.True(t, r.RestoreUnknown, "that nothing can be restored is not known")
			if stop < len(sound) {
				assert.Contains(t, r.Unchecked, 9)
			}
			b, err := json.Marshal(r)
			require.NoError(t, err)
			assert.Contains(t, string(b), `"restore":null,"restore_unknown":true`)
		}
	}
	// Before anything is asked for, no level was looked at.
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	r, err := verify.Run(ctx, replica(t, ltxmodel.New(1, 8), sound...), verify.Config{})
	require.ErrorIs(t, err, context.Canceled)
	assert.Equal(t, []int{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}, r.Unchecked)
}

func TestRefuses(t *testing.T) {
	for says, cfg := range map[string]verify.Config{
		"Config.Concurrency is -1: want 0 (4) or more": {Concurrency: -1},
		"verify: Config.Levels: ":                      {Levels: []int{-1}},
		"level is 10000: want at most 9999":            {Levels: []int{10000}},
	} {
		r, err := verify.Run(t.Context(), &mock.ReplicaClient{}, cfg)
		require.ErrorIs(t, err, fs.ErrInvalid)
		require.ErrorContains(t, err, says)
		require.Nil(t, r)
	}
	r, err := verify.Run(t.Context(), nil, verify.Config{})
	require.ErrorIs(t, err, fs.ErrInvalid)
	require.ErrorContains(t, err, "client is nil")
	require.Nil(t, r)
}
