package cache

import (
	"errors"
	"fmt"
	"hash/crc32"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore/wrap/internal/codec"
)

// A block on the disk is a file of its own, with its bytes. Its name has the CRC-32C of
// what comes before and of the bytes: a block that another client puts there has
// another name. It comes there by a rename, and is not synced: what a crash tears is
// found by the sum.
const partial = ".ltxblock-partial"

type disk struct {
	dir       string
	blockSize int
}

// openDisk makes the directory, and removes what a killed process was writing.
func openDisk(dir string, blockSize int) (*disk, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, hide(err)
	}
	return &disk{dir, blockSize}, nil
}

// name has all that must be the same for a block to be found.
func (d *disk) name(f codec.File, n int64, sum uint32) string {
	return fmt.Sprintf("%s-%08x.ltxblock", d.place(f, n), sum)
}

func (d *disk) place(f codec.File, n int64) string {
	return fmt.Sprintf("%04x-%s-%s-%x-%x", f.Level, f.MinTXID, f.MaxTXID, d.blockSize, n)
}

// sum is that of a block at its place.
func (d *disk) sum(f codec.File, n int64, data []byte) uint32 {
	table := crc32.MakeTable(crc32.Castagnoli)
	return crc32.Update(crc32.Checksum([]byte(d.place(f, n)), table), table, data)
}

// parse is name's opposite. It is false for all that is not of this package.
func (d *disk) parse(name string) (it leftover, ours, current bool) {
	var minTXID, maxTXID uint64
	var blockSize int
	read, err := fmt.Sscanf(name, "%04x-%016x-%016x-%x-%x-%08x.ltxblock", &it.file.Level, &minTXID, &maxTXID, &blockSize, &it.n, &it.sum)
	if err != nil || read != 6 {
		return it, false, false
	}
	it.file.MinTXID, it.file.MaxTXID = ltx.TXID(minTXID), ltx.TXID(maxTXID)
	other := disk{d.dir, blockSize}
	return it, other.name(it.file, it.n, it.sum) == name, blockSize == d.blockSize
}

var errTorn = errors.New("block is damaged")

func (d *disk) read(f codec.File, n int64, sum uint32) ([]byte, error) {
	data, err := os.ReadFile(filepath.Join(d.dir, d.name(f, n, sum)))
	if err == nil && (len(data) == 0 || len(data) > d.blockSize || d.sum(f, n, data) != sum) {
		err = errTorn
	}
	return data, err
}

func (d *disk) write(f codec.File, n int64, data []byte) (sum uint32, err error) {
	sum = d.sum(f, n, data)
	temp, err := os.CreateTemp(d.dir, "*"+partial)
	if err != nil {
		return 0, err
	}
	_, err = temp.Write(data)
	if err = errors.Join(err, temp.Close()); err == nil {
		err = os.Rename(temp.Name(), filepath.Join(d.dir, d.name(f, n, sum)))
	}
	if err != nil {
		err = errors.Join(err, os.Remove(temp.Name()))
	}
	return sum, err
}

// remove may fail: the block is not believed any more, and counted when the
// directory is next looked at.
func (d *disk) remove(f codec.File, n int64, sum uint32) {
	_ = os.Remove(filepath.Join(d.dir, d.name(f, n, sum)))
}

type leftover struct {
	file codec.File
	n    int64
	sum  uint32
	size int64
	at   time.Time
}

// scan returns the blocks that are there, the oldest first. Those of another block
// size are removed, and what a killed process was writing.
func (d *disk) scan() (left []leftover, err error) {
	entries, err := os.ReadDir(d.dir)
	if err != nil {
		return nil, hide(err)
	}
	for _, entry := range entries {
		it, ours, current := d.parse(entry.Name())
		if ours && !current || strings.HasSuffix(entry.Name(), partial) {
			_ = os.Remove(filepath.Join(d.dir, entry.Name()))
		}
		if info, err := entry.Info(); err == nil && ours && current && info.Mode().IsRegular() {
			it.size, it.at = info.Size(), info.ModTime()
			left = append(left, it)
		}
	}
	slices.SortStableFunc(left, func(a, b leftover) int { return a.at.Compare(b.at) })
	return left, nil
}
