//go:build unix

package main

import (
	"os"
	"syscall"
)

// signalCode is a shell's exit code of a process that a signal has ended.
func signalCode(state *os.ProcessState) int {
	if status, ok := state.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		return 128 + int(status.Signal())
	}
	return exitFailure
}
