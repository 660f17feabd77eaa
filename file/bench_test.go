package file

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/superfly/ltx"
)

// BenchmarkWrite4KiB is a write of the commonest size. Syscalls makes the same
// changes to the disk with nothing around them: the floor.
func BenchmarkWrite4KiB(b *testing.B) {
	content := body(b, 1, 1, 4096, epoch, 0)
	b.Run("Client", func(b *testing.B) {
		c := newClient(b, Config{})
		write(b, c, 0, 1, 1, content)
		src := bytes.NewReader(content)
		b.ReportAllocs()
		for b.Loop() {
			src.Reset(content)
			if _, err := c.WriteLTXFile(b.Context(), 0, 1, 1, src); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("Syscalls", func(b *testing.B) {
		bare := bareWriter(b, content)
		b.ReportAllocs()
		for b.Loop() {
			bare()
		}
	})
	// Turns takes turns, because a disk is not as fast now as it was a second
	// ago: medians of the same seconds can be compared.
	b.Run("Turns", func(b *testing.B) {
		c := newClient(b, Config{})
		write(b, c, 0, 1, 1, content)
		bare := bareWriter(b, content)
		src := bytes.NewReader(content)
		var client, syscalls []time.Duration
		for b.Loop() {
			start := time.Now()
			src.Reset(content)
			if _, err := c.WriteLTXFile(b.Context(), 0, 1, 1, src); err != nil {
				b.Fatal(err)
			}
			middle := time.Now()
			bare()
			client, syscalls = append(client, middle.Sub(start)), append(syscalls, time.Since(middle))
		}
		slices.Sort(client)
		slices.Sort(syscalls)
		b.ReportMetric(float64(client[len(client)/2]), "client-ns")
		b.ReportMetric(float64(syscalls[len(syscalls)/2]), "syscalls-ns")
	})
}

// bareWriter returns a function that writes a file with the system calls that
// a durable replacement needs.
func bareWriter(b *testing.B, content []byte) func() {
	dir := b.TempDir()
	holder, err := os.Open(dir)
	require.NoError(b, err)
	b.Cleanup(func() { holder.Close() })
	temp, final := filepath.Join(dir, "temp"), filepath.Join(dir, "final")
	return func() {
		f, err := os.OpenFile(temp, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o640)
		if err != nil {
			b.Fatal(err)
		}
		for _, err := range []error{
			ignoreCount(f.Write(content)), os.Chtimes(temp, time.Time{}, epoch), f.Sync(), f.Close(),
			os.Rename(temp, final), holder.Sync(),
		} {
			if err != nil {
				b.Fatal(err)
			}
		}
	}
}

func ignoreCount(_ int, err error) error { return err }

// BenchmarkWriteWithoutFsync is what a write costs beside the disk.
func BenchmarkWriteWithoutFsync(b *testing.B) {
	content := body(b, 1, 1, 4096, epoch, 0)
	c := newClient(b, Config{})
	c.disk.fsys = noSync{}
	src := bytes.NewReader(content)
	b.ReportAllocs()
	for b.Loop() {
		src.Reset(content)
		if _, err := c.WriteLTXFile(b.Context(), 0, 1, 1, src); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkWrite1GiB(b *testing.B) {
	const size = 1 << 30
	path := filepath.Join(b.TempDir(), "src")
	require.NoError(b, os.WriteFile(path, bytes.Repeat(body(b, 1, 1, 1<<20, epoch, 0), size>>20), 0o600))
	source, err := os.Open(path)
	require.NoError(b, err)
	require.NoError(b, source.Sync(), "or its writing is measured too")
	require.NoError(b, source.Close())
	for _, kind := range []string{"File", "Pipe"} {
		b.Run(kind, func(b *testing.B) {
			c := newClient(b, Config{})
			b.SetBytes(size)
			b.ReportAllocs()
			for b.Loop() {
				f, err := os.Open(path)
				require.NoError(b, err)
				var src io.Reader = f
				if kind == "Pipe" {
					pr, pw := io.Pipe()
					go func() {
						_, err := io.CopyBuffer(onlyWriter{pw}, onlyReader{f}, make([]byte, bufferSize))
						pw.CloseWithError(err)
					}()
					src = pr
				}
				info, err := c.WriteLTXFile(b.Context(), 0, 1, 1, src)
				require.NoError(b, err)
				require.EqualValues(b, size, info.Size)
				f.Close()
			}
		})
	}
}

func BenchmarkList100k(b *testing.B) {
	const n = 100_000
	c := newClient(b, Config{})
	write(b, c, 0, 1, 1, body(b, 1, 1, 200, epoch, 0))
	dir := filepath.Join(c.given.Path, "ltx", "0000")
	for id := ltx.TXID(2); id <= n; id++ {
		// Links of one file, some thousands each, because the number is limited.
		name := filepath.Join(dir, ltx.FormatFilename(id, id))
		if id%10_000 == 0 {
			require.NoError(b, os.WriteFile(name, body(b, id, id, 200, epoch, 0), 0o600))
		} else {
			require.NoError(b, os.Link(filepath.Join(dir, ltx.FormatFilename(max(1, id/10_000*10_000), max(1, id/10_000*10_000))), name))
		}
	}
	bench := func(name string, seek ltx.TXID, headers bool, want int) {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				it, err := c.LTXFiles(b.Context(), 0, seek, headers)
				require.NoError(b, err)
				count := 0
				for count < want && it.Next() {
					count++
				}
				require.Equal(b, want, count)
				require.NoError(b, it.Close())
			}
		})
	}
	bench("Whole", 0, false, n)
	bench("WholeMetadata", 0, true, n)
	bench("First", 0, false, 1)
	bench("LateSeek", n-9, false, 10)
	bench("LateSeekMetadata", n-9, true, 10)
}

func BenchmarkOpenRead(b *testing.B) {
	const size = 16 << 20
	c := newClient(b, Config{})
	write(b, c, 0, 1, 1, body(b, 1, 1, size, epoch, 0))
	buf := make([]byte, bufferSize)
	for _, n := range []int64{ltx.HeaderSize, 4096, 1 << 20, size} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			b.SetBytes(n)
			b.ReportAllocs()
			for b.Loop() {
				r, err := c.OpenLTXFile(b.Context(), 0, 1, 1, size-n, n)
				if err != nil {
					b.Fatal(err)
				}
				got, err := io.CopyBuffer(onlyWriter{io.Discard}, onlyReader{r}, buf)
				if err != nil || got != n {
					b.Fatal(got, err)
				}
				r.Close()
			}
		})
	}
}
