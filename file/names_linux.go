package file

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"os"
	"sync"
	"syscall"
	"unsafe"

	"github.com/ltxstore/ltxstore/internal/flow"
)

// Offsets in struct linux_dirent64: see getdents(2).
const (
	direntLength = 16
	direntName   = 19
)

var direntBuffers = sync.Pool{New: func() any { return new([64 << 10]byte) }}

// eachName calls visit for every name in a directory, in no particular order. The
// string is in the kernel's buffer and only valid during the call. os.File.Readdirnames
// would allocate each name, which in a level of 100,000 files is most of the cost of
// a late seek.
func eachName(ctx context.Context, dir *os.File, visit func(name string)) error {
	conn, err := dir.SyscallConn()
	if err != nil {
		return err
	}
	buf := direntBuffers.Get().(*[64 << 10]byte)
	defer direntBuffers.Put(buf)

	for {
		if err := flow.Err(ctx); err != nil {
			return err
		}
		var n int
		var readErr error
		err := conn.Control(func(fd uintptr) {
			for n, readErr = syscall.ReadDirent(int(fd), buf[:]); readErr == syscall.EINTR; {
				n, readErr = syscall.ReadDirent(int(fd), buf[:])
			}
		})
		if err := errors.Join(err, readErr); isGone(err) {
			return nil // the directory was removed while it was open: it is empty
		} else if err != nil {
			return bare("read directory", err)
		}
		if n <= 0 {
			return nil
		}
		for rest := buf[:n]; len(rest) > direntName; {
			length := int(binary.NativeEndian.Uint16(rest[direntLength:]))
			if length <= direntName || length > len(rest) {
				break
			}
			name, _, _ := bytes.Cut(rest[direntName:length], []byte{0})
			if len(name) > 0 {
				visit(unsafe.String(&name[0], len(name)))
			}
			rest = rest[length:]
		}
	}
}
