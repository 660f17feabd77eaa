package cache

import "os"

// disk keeps blocks in a temporary file, each in a slot of the size of a block.
type disk struct {
	file  *os.File
	size  int64   // of a slot
	slots int64   // in the file
	free  []int64 // those without a block
}

// newDisk creates the file in dir. Its name is removed at once where the system allows that, so
// that a process that is killed leaves nothing.
func newDisk(dir string, size int64) (*disk, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	file, err := os.CreateTemp(dir, "ltxcache-*")
	if err != nil {
		return nil, err
	}
	_ = os.Remove(file.Name())
	return &disk{file: file, size: size}, nil
}

// write stores a block and returns its slot.
func (d *disk) write(data []byte) (slot int64, err error) {
	if last := len(d.free) - 1; last >= 0 {
		slot, d.free = d.free[last], d.free[:last]
	} else {
		slot = d.slots
		d.slots++
	}
	if _, err = d.file.WriteAt(data, slot*d.size); err != nil {
		d.remove(slot)
	}
	return slot, err
}

// read returns n bytes of a slot. It may be called while the slot gets another block, whose bytes it
// may then return.
func (d *disk) read(slot, n int64) ([]byte, error) {
	data := make([]byte, n)
	_, err := d.file.ReadAt(data, slot*d.size)
	return data, err
}

// remove frees a slot.
func (d *disk) remove(slot int64) { d.free = append(d.free, slot) }

// close removes the file.
func (d *disk) close() {
	_ = d.file.Close()
	_ = os.Remove(d.file.Name()) // if newDisk could not
}
