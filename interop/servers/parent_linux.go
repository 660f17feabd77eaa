package servers

import "syscall"

// withParent makes a server end with the test's process, even when that is
// killed or ends by go test's own timeout, which runs no clean-up.
func withParent() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
}
