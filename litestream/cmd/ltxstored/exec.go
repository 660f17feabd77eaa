package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"time"

	"github.com/mattn/go-shellwords"
)

// child is the command that runs as long as the daemon. A nil child never exits.
type child struct {
	cmd    *exec.Cmd
	exited chan struct{}
}

// startChild starts a command line, which is split into words as by a shell, but not
// otherwise interpreted. It returns nil if line is empty.
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
		_ = c.cmd.Wait() // code returns the result
		close(c.exited)
	}()
	return c, nil
}

// ended is closed when the command exited.
func (c *child) ended() <-chan struct{} {
	if c == nil {
		return nil
	}
	return c.exited
}

// code returns the exit code of a command that has exited: as in a shell, 128 plus the
// number if a signal killed it.
func (c *child) code() int {
	if code := c.cmd.ProcessState.ExitCode(); code >= 0 {
		return code
	}
	return signalCode(c.cmd.ProcessState)
}

// stop sends sig to the command, waits for it to exit, and kills it after patience.
// If the signal ended the command, the exit code is 0.
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
