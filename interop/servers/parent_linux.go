package servers

import "syscall"

// withParent makes a server end with the test's process, even if that is killed
// or ends by the timeout of go test, which runs no cleanup.
func withParent() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
}
