package main

import (
	"bufio"
	"context"
	"errors"
	"strings"
)

// ask asks a yes-or-no question. Any answer other than yes, and an interruption, is an
// error with the text no.
func (a *app) ask(ctx context.Context, what, no string) error {
	a.progress.print(what + "? [y/N] ")
	answer, err := await(ctx, func() (string, error) { return bufio.NewReader(a.in).ReadString('\n') })
	if ctx.Err() != nil {
		a.progress.print("\n")
		return &interruption{no, err}
	}
	if answer = strings.ToLower(strings.TrimSpace(answer)); answer != "y" && answer != "yes" {
		return errors.New(no)
	}
	return nil
}
