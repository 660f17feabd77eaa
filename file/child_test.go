package file

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore/internal/testkit/race"
)

// The test binary is also the process that is killed, and the other process of
// two: these variables make it so.
const (
	childRoot  = "LTXSTORE_FILE_TEST_ROOT"  // writes there
	childFirst = "LTXSTORE_FILE_TEST_FIRST" // names its files from this TXID on
	childLast  = "LTXSTORE_FILE_TEST_LAST"  // to this one, if not 0
	childUser  = "LTXSTORE_FILE_TEST_USER"  // works there without the rights of root
)

func TestMain(m *testing.M) {
	if dir := os.Getenv(childUser); dir != "" {
		os.Exit(asOrdinaryUser(dir))
	}
	if root := os.Getenv(childRoot); root != "" {
		if err := child(root); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// childFile is what a child writes: everything follows from the TXID and the
// salt, so that the parent can tell a whole file from any other.
func childFile(id ltx.TXID, salt uint64) (size int, at time.Time) {
	rng := rand.New(rand.NewPCG(uint64(id), salt))
	size = ltx.HeaderSize + rng.IntN(9000)
	if rng.IntN(4) == 0 {
		size += 3 * bufferSize
	}
	return size, epoch.Add(time.Duration(id)*time.Second + time.Duration(salt)*time.Millisecond)
}

// child writes new files, and one, the first, again and again. It says on
// standard output what it begins and what was acknowledged.
func child(root string) error {
	var first, last ltx.TXID
	if _, err := fmt.Sscan(os.Getenv(childFirst)+" "+os.Getenv(childLast), &first, &last); err != nil {
		return err
	}
	c := NewReplicaClient(Config{Path: root, Logger: slog.New(slog.DiscardHandler)})
	write := func(id ltx.TXID, salt uint64) error {
		size, at := childFile(id, salt)
		b, err := makeBody(id, id, size, at, salt)
		if err != nil {
			return err
		}
		if _, err := fmt.Printf("begin %d %d\n", id, salt); err != nil {
			return err
		}
		if _, err := c.WriteLTXFile(context.Background(), 0, id, id, bytes.NewReader(b)); err != nil {
			return err
		}
		_, err = fmt.Printf("ack %d %d\n", id, salt)
		return err
	}
	for id := first + 1; last == 0 || id <= last; id++ {
		if err := write(id, 0); err != nil {
			return err
		}
		if err := write(first, uint64(id-first)); err != nil {
			return err
		}
	}
	return nil
}

// started is a child and what it has said.
type started struct {
	cmd   *exec.Cmd
	out   io.Reader
	err   bytes.Buffer
	begun map[ltx.TXID][]uint64 // salts
	acked map[ltx.TXID]uint64   // the last salt
}

func start(t *testing.T, root string, first, last ltx.TXID) *started {
	t.Helper()
	exe, err := os.Executable()
	require.NoError(t, err)
	s := &started{cmd: exec.Command(exe), begun: map[ltx.TXID][]uint64{}, acked: map[ltx.TXID]uint64{}}
	s.cmd.Env = append(os.Environ(), childRoot+"="+root, fmt.Sprintf("%s=%d", childFirst, first), fmt.Sprintf("%s=%d", childLast, last))
	s.cmd.Stderr = &s.err
	s.out, err = s.cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, s.cmd.Start())
	return s
}

// listen reads what the child says until it ends, and calls each, if not nil,
// for every line.
func (s *started) listen(each func()) {
	for lines := bufio.NewScanner(s.out); lines.Scan(); {
		var what string
		var id ltx.TXID
		var salt uint64
		if n, _ := fmt.Sscan(lines.Text(), &what, &id, &salt); n != 3 {
			continue // cut off by the kill
		}
		if what == "begin" {
			s.begun[id] = append(s.begun[id], salt)
		} else {
			s.acked[id] = salt
		}
		if each != nil {
			each()
		}
	}
}

// verify holds the tree from first on to what the child has said, and returns
// the number of files.
func (s *started) verify(t *testing.T, c *ReplicaClient, first ltx.TXID) int {
	t.Helper()
	files, err := list(t.Context(), c, 0, first, false)
	require.NoError(t, err)
	seen := map[ltx.TXID]bool{}
	for _, f := range files {
		seen[f.MinTXID] = true
		got := read(t, c, 0, f.MinTXID, f.MaxTXID)
		whole := false
		for _, salt := range s.begun[f.MinTXID] {
			size, at := childFile(f.MinTXID, salt)
			if salt >= s.acked[f.MinTXID] && f.CreatedAt.Equal(at) && bytes.Equal(got, body(t, f.MinTXID, f.MinTXID, size, at, salt)) {
				whole = true
			}
		}
		require.True(t, whole, "file %s of %d bytes with time %v is none that was begun after the last acknowledged", f.MinTXID, f.Size, f.CreatedAt)
	}
	for id := range s.acked {
		require.True(t, seen[id], "file %s was acknowledged", id)
	}
	return len(files)
}

// TestKilledAtRandomMoments kills a process that writes, again and again.
func TestKilledAtRandomMoments(t *testing.T) {
	rounds := 110
	if race.Enabled { // each process takes three times as long to start
		rounds = 30
	}
	root := t.TempDir()
	c := newClient(t, Config{Path: root})
	acked := 0
	for round := range ltx.TXID(rounds) {
		first := 1 + round*100_000
		s := start(t, root, first, 0)
		// The moment is counted from the first line: a process that has not
		// begun has nothing to lose.
		var once sync.Once
		s.listen(func() {
			once.Do(func() {
				time.AfterFunc(time.Duration(rand.Int64N(int64(25*time.Millisecond))), func() { s.cmd.Process.Kill() })
			})
		})
		require.Error(t, s.cmd.Wait(), "it does not end by itself")
		require.Empty(t, s.err.String())
		s.verify(t, c, first)
		acked += len(s.acked)
	}
	leftovers := len(temps(t, root))
	t.Logf("%d kills, %d files acknowledged, %d temporary files left", rounds, acked, leftovers)
	assert.Positive(t, acked)

	all := len(files(t, root)) - leftovers
	require.NoError(t, newClient(t, Config{Path: root}).Init(t.Context()))
	assert.Len(t, temps(t, root), leftovers, "their writers may live")
	later := time.Now().Add(defaultSweepAge + time.Second)
	require.NoError(t, newClient(t, Config{Path: root, Clock: func() time.Time { return later }}).Init(t.Context()))
	assert.Empty(t, temps(t, root))
	assert.Len(t, files(t, root), all)
}

// TestTwoProcesses has two write one tree: different names, one name, and a
// listing beside them.
func TestTwoProcesses(t *testing.T) {
	root := t.TempDir()
	const n = 40
	a, b := start(t, root, 1, 1+n), start(t, root, 1, 1+n)                         // the same names
	other := start(t, root, 1_000_000, 1_000_000+n)                                // and others
	both := &started{begun: map[ltx.TXID][]uint64{}, acked: map[ltx.TXID]uint64{}} // what a and b may leave
	var wg sync.WaitGroup
	for _, s := range []*started{a, b, other} {
		wg.Go(func() { s.listen(nil) })
	}
	done := make(chan struct{})
	go func() { wg.Wait(); close(done) }()
	c := newClient(t, Config{Path: root})
	for running := true; running; {
		select {
		case <-done:
			running = false
		default:
		}
		_, err := list(t.Context(), c, 0, 0, true)
		require.NoError(t, err)
	}
	for _, s := range []*started{a, b, other} {
		require.NoError(t, s.cmd.Wait(), s.err.String())
	}
	for id := range a.acked {
		both.begun[id], both.acked[id] = a.begun[id], 0
	}
	for id := range other.acked {
		both.begun[id], both.acked[id] = other.begun[id], other.acked[id]
	}
	assert.Equal(t, 2*(n+1), both.verify(t, c, 1))
	assert.Empty(t, temps(t, root))
	require.NoError(t, c.DeleteAll(t.Context()))
	assert.NoDirExists(t, filepath.Join(root, "ltx"))
}
