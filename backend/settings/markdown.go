package settings

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// Markdown returns the table for docs/configuration.md.
func (t *Table) Markdown() string {
	var b strings.Builder
	b.WriteString("| Setting | Type | Default | What it is |\n|---|---|---|---|\n")
	prefix := t.prefix()
	if prefix != "" {
		fmt.Fprintf(&b, "| `%s%s`, `%s` | %s | true, where there is any of these | `false` turns it off. |\n", prefix, enabled, strings.Join(t.wrapper, "`, `"), kindBool)
	}
	for _, r := range t.rows {
		names, help := slices.Clone(r.names[:r.shown]), r.help
		names[0] = prefix + names[0]
		if r.kind == kindMap {
			names[0] += ".NAME"
		}
		if r.secret {
			help += " Secret: never shown."
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", strings.Join(names, "`, `"), r.kind, code(r.otherwise), code(help))
	}
	if len(t.codeOnly) > 0 {
		fmt.Fprintf(&b, "\nOnly code can set: `%s`.\n", strings.Join(slices.Sorted(slices.Values(t.codeOnly)), "`, `"))
	}
	return b.String()
}

// code returns a text with 'code' in backquotes, which a struct tag cannot
// contain.
func code(text string) string {
	return regexp.MustCompile(`(^|[ (])'([^']+)'`).ReplaceAllString(text, "${1}`${2}`")
}
