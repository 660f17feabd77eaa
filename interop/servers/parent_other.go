//go:build !linux

package servers

import "syscall"

// withParent does nothing: only Linux can end a server whose test was killed.
func withParent() *syscall.SysProcAttr { return nil }
