//go:build unix

package main

import (
	"os"
	"syscall"
)

// signalCode returns a shell's exit code for a process that a signal killed.
func signalCode(state *os.ProcessState) int {
	if status, ok := state.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		return 128 + int(status.Signal())
	}
	return exitFailure
}
