package main

import (
	"bytes"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore/file"
	"github.com/ltxstore/ltxstore/restore"
	"github.com/ltxstore/ltxstore/testing/replicatest"
	"github.com/ltxstore/ltxstore/transfer"
)

// The first files that were left out are named, and the others counted.
func TestLeftOut(t *testing.T) {
	for n, want := range map[int]string{0: "", 1: "", 10: "", 11: "1 file more skipped", 12: "2 files more skipped"} {
		var said bytes.Buffer
		a := &app{err: &said, now: time.Now}
		a.progress = a.newProgress()
		new(restoring).warn(a, &restore.Result{LeftOut: make([]restore.LeftOut, n)})
		assert.Equal(t, min(n, 11), strings.Count(said.String(), "\n"))
		assert.Contains(t, said.String(), want)
		assert.Equal(t, n > 10, strings.Contains(said.String(), " more "), n)
	}
}

// What the program says is cut off only if it is long.
func TestIntegrityCheckSays(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("the program is a shell script")
	}
	program := filepath.Join(t.TempDir(), "sqlite3")
	for n, want := range map[int]string{0: "no output from sqlite3", 200: strings.Repeat("x", 200), 201: strings.Repeat("x", 200) + "…"} {
		require.NoError(t, os.WriteFile(program, []byte("#!/bin/sh\necho "+strings.Repeat("x", n)), 0o755))
		assert.EqualError(t, integrityCheck(t.Context(), program, "db"), "integrity check of the restored database failed: "+want)
	}
}

func TestFlagValues(t *testing.T) {
	var txid txidFlag
	var size sizeFlag
	assert.Empty(t, txid.String())
	assert.Empty(t, size.String())
	require.NoError(t, txid.Set("00000000000003e8"))
	require.NoError(t, size.Set("16MB"))
	assert.Equal(t, "00000000000003e8", txid.String())
	assert.Equal(t, "16 MB", size.String())
}

// Ten failures of a copy are told, and the others counted.
func TestManyFailures(t *testing.T) {
	for n, want := range map[int]string{1: "", 10: "", 11: "and 1 more\n", 25: "and 15 more\n"} {
		var out bytes.Buffer
		(&app{out: &out, width: 80}).copied(&transfer.Report{Failures: make([]transfer.Failure, n)}, false)
		assert.Equal(t, min(n, 10), strings.Count(out.String(), "level 0 "))
		assert.Equal(t, want != "", strings.Contains(out.String(), " more"), n)
		assert.Contains(t, out.String(), want)
	}
}

// Of several files with one first transaction the one that was copied is looked at.
func TestWarnOfTimesOfTheFile(t *testing.T) {
	dir := t.TempDir()
	client := file.NewReplicaClient(file.Config{Path: dir})
	client.SetLogger(nil)
	for txid := range ltx.TXID(3) {
		_, err := client.WriteLTXFile(t.Context(), 0, 1, txid+1, bytes.NewReader(replicatest.NewLTXFile(1, txid+1, time.Unix(1, 0), 1)))
		require.NoError(t, err)
	}
	second := filepath.Join(dir, "ltx/0000", "0000000000000001-0000000000000002.ltx")
	require.NoError(t, os.Chtimes(second, time.Now(), time.Now()))
	for txid, want := range map[ltx.TXID]bool{1: false, 2: true, 3: false} {
		var said bytes.Buffer
		a := &app{err: &said, now: time.Now, at: make([]target, 2)}
		a.progress = a.newProgress()
		(&cp{to: "litestream", first: &ltx.FileInfo{MinTXID: 1, MaxTXID: txid}}).warnOfTimes(t.Context(), a, client)
		assert.Equal(t, want, strings.Contains(said.String(), "which litestream restore -timestamp will use"), "%d: %s", txid, said.String())
	}
}
