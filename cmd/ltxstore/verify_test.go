package main

import (
	"bytes"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/ltxstore/ltxstore/verify"
)

// A hundred findings are told, and the others counted.
func TestManyFindings(t *testing.T) {
	for n, want := range map[int]string{1: "", 100: "", 101: "and 1 more: see -json\n", 250: "and 150 more: see -json\n"} {
		r := &verify.Report{Complete: true}
		for range n {
			r.Findings = append(r.Findings, verify.Finding{Severity: verify.Warning, Kind: "gap", Message: "a finding"})
		}
		var out bytes.Buffer
		(&app{out: &out, width: 80}).verified(r)
		assert.Equal(t, min(n, 100), strings.Count(out.String(), "a finding\n"))
		assert.Equal(t, want != "", strings.Contains(out.String(), "more: see -json"), n)
		assert.Contains(t, out.String(), want)
	}
}
