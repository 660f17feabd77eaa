package main

import (
	"bytes"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

// A question is only put to somebody who sees it and can answer.
func TestConfirmNeedsTerminals(t *testing.T) {
	for _, tt := range []struct{ in, err, asks bool }{{true, true, true}, {true, false, false}, {false, true, false}, {false, false, false}} {
		var said bytes.Buffer
		a := &app{in: strings.NewReader("y\n"), out: io.Discard, err: &said, inTTY: tt.in, errTTY: tt.err, width: 80, now: time.Now}
		a.progress = a.newProgress()
		err := new(rm).confirm(t.Context(), a, "it")
		a.progress.end()
		if tt.asks {
			assert.NoError(t, err)
			assert.Contains(t, said.String(), "delete it? [y/N] ")
		} else {
			assert.EqualError(t, err, "cannot ask whether to delete it: use -yes")
		}
	}
}
