package cache

import (
	"errors"
	"fmt"
	"hash/crc32"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore/wrap/internal/layer"
)

// Each block on the disk is a file. Its name has the name of the LTX file, the time at which
// the first of its blocks was read, and the CRC-32C of these and the bytes, so that a block of
// another client has another name. It is neither synced nor renamed into place: the
// checksum finds what a crash has torn.
type disk struct {
	dir       string
	blockSize int
}

// openDisk creates a replica's folder.
func openDisk(dir, folder string, blockSize int) (*disk, error) {
	dir = filepath.Join(dir, folder)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, hide(err)
	}
	return &disk{dir, blockSize}, nil
}

// spot identifies a block.
type spot struct {
	file  layer.File
	n     int64
	since int64 // when the first block of the file was read, in Unix milliseconds
}

// name returns the name of a block's file.
func (d *disk) name(at spot, sum uint32) string {
	return fmt.Sprintf("%s-%08x.ltxblock", d.place(at), sum)
}

func (d *disk) place(at spot) string {
	return fmt.Sprintf("%04x-%s-%s-%x-%x-%x", at.file.Level, at.file.MinTXID, at.file.MaxTXID, d.blockSize, at.n, at.since)
}

// sum returns the checksum of a block at its place.
func (d *disk) sum(at spot, data []byte) uint32 {
	table := crc32.MakeTable(crc32.Castagnoli)
	return crc32.Update(crc32.Checksum([]byte(d.place(at)), table), table, data)
}

// parse is the inverse of name for any block size. It reports whether the name is one of this
// package.
func (d *disk) parse(name string) (it leftover, blockSize int, ours bool) {
	var minTXID, maxTXID uint64
	_, err := fmt.Sscanf(name, "%04x-%016x-%016x-%x-%x-%x-%08x.ltxblock", &it.file.Level, &minTXID, &maxTXID, &blockSize, &it.n, &it.since, &it.sum)
	if err != nil {
		return it, 0, false
	}
	it.file.MinTXID, it.file.MaxTXID = ltx.TXID(minTXID), ltx.TXID(maxTXID)
	other := disk{d.dir, blockSize}
	return it, blockSize, other.name(it.spot, it.sum) == name
}

var errTorn = errors.New("block is damaged")

func (d *disk) read(at spot, sum uint32) ([]byte, error) {
	data, err := os.ReadFile(filepath.Join(d.dir, d.name(at, sum)))
	if err == nil && d.sum(at, data) != sum {
		err = errTorn
	}
	return data, err
}

func (d *disk) write(at spot, data []byte) (sum uint32, err error) {
	sum = d.sum(at, data)
	if err = os.WriteFile(filepath.Join(d.dir, d.name(at, sum)), data, 0o600); err != nil {
		d.remove(at, sum)
	}
	return sum, err
}

// remove may fail. The block is no longer used, and counts again when the directory is
// scanned.
func (d *disk) remove(at spot, sum uint32) {
	_ = os.Remove(filepath.Join(d.dir, d.name(at, sum)))
}

type leftover struct {
	spot
	sum  uint32
	size int64
	at   time.Time
}

// scan returns the blocks not older than ttl, the oldest first. It removes the others, and those
// of another block size.
func (d *disk) scan(ttl time.Duration) (left []leftover, err error) {
	entries, err := os.ReadDir(d.dir)
	if err != nil {
		return nil, hide(err)
	}
	for _, entry := range entries {
		it, blockSize, ours := d.parse(entry.Name())
		if ours && blockSize == d.blockSize && fresh(time.UnixMilli(it.since), ttl) {
			if info, err := entry.Info(); err == nil && info.Mode().IsRegular() {
				it.size, it.at = info.Size(), info.ModTime()
				left = append(left, it)
			}
		} else if ours {
			_ = os.Remove(filepath.Join(d.dir, entry.Name()))
		}
	}
	slices.SortStableFunc(left, func(a, b leftover) int { return a.at.Compare(b.at) })
	return left, nil
}
