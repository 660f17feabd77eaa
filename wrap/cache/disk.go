package cache

import (
	"encoding/binary"
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

// A block on the disk is a file of its own: the magic, the CRC-32C of the file's
// name and the bytes, and the bytes. It comes there by a rename, and is not synced:
// what a crash tears is found by the sum.
const (
	diskMagic = 0x4c584231 // "LXB1"
	diskCost  = 8          // bytes before the content

	partial = ".ltxblock-partial"
)

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
func (d *disk) name(f codec.File, n int64) string {
	return fmt.Sprintf("%04x-%s-%s-%x-%x.ltxblock", f.Level, f.MinTXID, f.MaxTXID, d.blockSize, n)
}

// parse is name's opposite. It is false for all that is not of this package.
func (d *disk) parse(name string) (f codec.File, n int64, ours, current bool) {
	var minTXID, maxTXID uint64
	var blockSize int
	read, err := fmt.Sscanf(name, "%04x-%016x-%016x-%x-%x.ltxblock", &f.Level, &minTXID, &maxTXID, &blockSize, &n)
	if err != nil || read != 5 {
		return f, 0, false, false
	}
	f.MinTXID, f.MaxTXID = ltx.TXID(minTXID), ltx.TXID(maxTXID)
	other := disk{d.dir, blockSize}
	return f, n, other.name(f, n) == name, blockSize == d.blockSize
}

func (d *disk) sum(name string, data []byte) uint32 {
	table := crc32.MakeTable(crc32.Castagnoli)
	return crc32.Update(crc32.Checksum([]byte(name), table), table, data)
}

var errTorn = errors.New("block is damaged")

func (d *disk) read(f codec.File, n int64) ([]byte, error) {
	name := d.name(f, n)
	raw, err := os.ReadFile(filepath.Join(d.dir, name))
	if err != nil {
		return nil, err
	}
	if len(raw) <= diskCost || len(raw) > diskCost+d.blockSize || binary.BigEndian.Uint32(raw) != diskMagic ||
		binary.BigEndian.Uint32(raw[4:]) != d.sum(name, raw[diskCost:]) {
		return nil, errTorn
	}
	return raw[diskCost:], nil
}

func (d *disk) write(f codec.File, n int64, data []byte) error {
	name := d.name(f, n)
	head := binary.BigEndian.AppendUint32(nil, diskMagic)
	head = binary.BigEndian.AppendUint32(head, d.sum(name, data))
	temp, err := os.CreateTemp(d.dir, "*"+partial)
	if err != nil {
		return err
	}
	_, err = temp.Write(head)
	if err == nil {
		_, err = temp.Write(data)
	}
	if err = errors.Join(err, temp.Close()); err == nil {
		err = os.Rename(temp.Name(), filepath.Join(d.dir, name))
	}
	if err != nil {
		err = errors.Join(err, os.Remove(temp.Name()))
	}
	return err
}

// remove may fail: the block is not believed any more, and counted when the
// directory is next looked at.
func (d *disk) remove(f codec.File, n int64) { _ = os.Remove(filepath.Join(d.dir, d.name(f, n))) }

type leftover struct {
	file codec.File
	n    int64
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
		f, n, ours, current := d.parse(entry.Name())
		if ours && !current || strings.HasSuffix(entry.Name(), partial) {
			_ = os.Remove(filepath.Join(d.dir, entry.Name()))
		}
		if info, err := entry.Info(); err == nil && ours && current && info.Mode().IsRegular() {
			left = append(left, leftover{f, n, info.Size(), info.ModTime()})
		}
	}
	slices.SortStableFunc(left, func(a, b leftover) int { return a.at.Compare(b.at) })
	return left, nil
}
