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

	"github.com/ltxstore/ltxstore/wrap/internal/layer"
)

// A block on the disk is a file of its own, with its bytes. Its name has what the file
// is called, when the first of its blocks was read, and the CRC-32C of what comes before
// and of the bytes: a block that another client puts there has another name. It comes there by a rename, and is not synced: what a crash tears is
// found by the sum.
const partial = ".ltxblock-partial"

type disk struct {
	dir       string
	blockSize int
}

// openDisk makes a replica's folder.
func openDisk(dir, folder string, blockSize int) (*disk, error) {
	dir = filepath.Join(dir, folder)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, hide(err)
	}
	return &disk{dir, blockSize}, nil
}

// spot is where a block belongs.
type spot struct {
	file  layer.File
	n     int64
	since int64 // when the first block of the file was read, in Unix milliseconds
}

// name has all that must be the same for a block to be found.
func (d *disk) name(at spot, sum uint32) string {
	return fmt.Sprintf("%s-%08x.ltxblock", d.place(at), sum)
}

func (d *disk) place(at spot) string {
	return fmt.Sprintf("%04x-%s-%s-%x-%x-%x", at.file.Level, at.file.MinTXID, at.file.MaxTXID, d.blockSize, at.n, at.since)
}

// sum is that of a block at its place.
func (d *disk) sum(at spot, data []byte) uint32 {
	table := crc32.MakeTable(crc32.Castagnoli)
	return crc32.Update(crc32.Checksum([]byte(d.place(at)), table), table, data)
}

// parse is name's opposite. It is false for all that is not of this package.
func (d *disk) parse(name string) (it leftover, ours, current bool) {
	var minTXID, maxTXID uint64
	var blockSize int
	read, err := fmt.Sscanf(name, "%04x-%016x-%016x-%x-%x-%x-%08x.ltxblock", &it.file.Level, &minTXID, &maxTXID, &blockSize, &it.n, &it.since, &it.sum)
	if err != nil || read != 7 {
		return it, false, false
	}
	it.file.MinTXID, it.file.MaxTXID = ltx.TXID(minTXID), ltx.TXID(maxTXID)
	other := disk{d.dir, blockSize}
	return it, other.name(it.spot, it.sum) == name, blockSize == d.blockSize
}

var errTorn = errors.New("block is damaged")

func (d *disk) read(at spot, sum uint32) ([]byte, error) {
	data, err := os.ReadFile(filepath.Join(d.dir, d.name(at, sum)))
	if err == nil && (len(data) == 0 || len(data) > d.blockSize || d.sum(at, data) != sum) {
		err = errTorn
	}
	return data, err
}

func (d *disk) write(at spot, data []byte) (sum uint32, err error) {
	sum = d.sum(at, data)
	temp, err := os.CreateTemp(d.dir, "*"+partial)
	if err != nil {
		return 0, err
	}
	_, err = temp.Write(data)
	if err = errors.Join(err, temp.Close()); err == nil {
		err = os.Rename(temp.Name(), filepath.Join(d.dir, d.name(at, sum)))
	}
	if err != nil {
		err = errors.Join(err, os.Remove(temp.Name()))
	}
	return sum, err
}

// remove may fail: the block is not believed any more, and counted when the
// directory is next looked at.
func (d *disk) remove(at spot, sum uint32) {
	_ = os.Remove(filepath.Join(d.dir, d.name(at, sum)))
}

type leftover struct {
	spot
	sum  uint32
	size int64
	at   time.Time
}

// scan returns the blocks that are there and not older than ttl, the oldest first. The
// others are removed, those of another block size, and what a killed process was writing.
func (d *disk) scan(ttl time.Duration) (left []leftover, err error) {
	entries, err := os.ReadDir(d.dir)
	if err != nil {
		return nil, hide(err)
	}
	for _, entry := range entries {
		it, ours, current := d.parse(entry.Name())
		current = current && fresh(time.UnixMilli(it.since), ttl)
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
