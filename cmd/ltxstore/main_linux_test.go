package main

import (
	"os"
	"syscall"
	"testing"
	"unsafe"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestTerminalWidth(t *testing.T) {
	terminal, err := os.OpenFile("/dev/ptmx", os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Skip("there are no pseudo-terminals: ", err)
	}
	defer terminal.Close()
	none, err := os.Open(os.DevNull)
	require.NoError(t, err)
	defer none.Close()
	for columns, want := range map[uint16]int{0: 80, 1: 40, 40: 40, 41: 41, 200: 200} {
		size := [4]uint16{24, columns}
		_, _, errno := syscall.Syscall(syscall.SYS_IOCTL, terminal.Fd(), syscall.TIOCSWINSZ, uintptr(unsafe.Pointer(&size)))
		require.Zero(t, errno)
		assert.Equal(t, want, terminalWidth(none, terminal))
	}
	assert.Equal(t, 80, terminalWidth(none))
}
