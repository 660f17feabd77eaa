package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"time"

	"github.com/mattn/go-shellwords"
)

// child is the command that runs as long as the daemon does. A nil child never
// ends.
type child struct {
	cmd    *exec.Cmd
	exited chan struct{}
}

// startChild starts a command line, which is split into words as a shell does, but
// not otherwise interpreted. Without a command line it returns nil.
func startChild(line string) (*child, error) {
	if line == "" {
		return nil, nil
	}
	words, err := shellwords.Parse(line)
	if err != nil || len(words) == 0 {
		return nil, fmt.Errorf("exec: %q cannot be split into a command and its arguments", line)
	}
	c := &child{cmd: exec.Command(words[0], words[1:]...), exited: make(chan struct{})}
	c.cmd.Stdin, c.cmd.Stdout, c.cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	if err := c.cmd.Start(); err != nil {
		return nil, fmt.Errorf("exec: %w", err)
	}
	go func() {
		_ = c.cmd.Wait() // code says how it ended
		close(c.exited)
	}()
	return c, nil
}

// ended is closed when the command has ended.
func (c *child) ended() <-chan struct{} {
	if c == nil {
		return nil
	}
	return c.exited
}

// code returns the exit code of a command that has ended, 128 and the signal's number if
// that ended it, as a shell does.
func (c *child) code() int {
	if code := c.cmd.ProcessState.ExitCode(); code >= 0 {
		return code
	}
	return signalCode(c.cmd.ProcessState)
}

// stop sends the command a signal, waits for it to end, and kills it after a while.
// A command that the signal ends has succeeded.
func (c *child) stop(sig os.Signal, patience time.Duration) int {
	if c == nil {
		return exitOK
	}
	if err := c.cmd.Process.Signal(sig); err != nil && !errors.Is(err, os.ErrProcessDone) {
		_ = c.cmd.Process.Kill()
	}
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case <-c.exited:
	case <-timer.C:
		_ = c.cmd.Process.Kill()
		<-c.exited
	}
	if code := c.cmd.ProcessState.ExitCode(); code >= 0 {
		return code
	}
	return exitOK
}
