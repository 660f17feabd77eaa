package settings

import (
	"fmt"
	"slices"
	"strings"
)

// Markdown returns the table as the document has it.
func (t Table[C]) Markdown() string {
	var b strings.Builder
	b.WriteString("| Setting | Type | Default | What it is |\n|---|---|---|---|\n")
	prefix := t.prefix()
	if prefix != "" {
		fmt.Fprintf(&b, "| `%s%s`, `%s` | %s | true, where there is any of these | `false` turns it off. |\n", prefix, Enabled, strings.Join(t.Wrapper, "`, `"), boolKind)
	}
	for i := range t.Rows {
		row := &t.Rows[i]
		name := "`" + prefix + row.Name + "`"
		if row.To.many {
			name = "`" + prefix + row.Name + ".NAME`"
		}
		if len(row.Aliases) > 0 {
			name += ", `" + strings.Join(row.Aliases, "`, `") + "`"
		}
		help := row.Help
		if row.Secret {
			help += " Secret: never shown."
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", name, row.To.kind, row.Default, help)
	}
	if len(t.CodeOnly) > 0 {
		fields := slices.Sorted(slices.Values(t.CodeOnly))
		fmt.Fprintf(&b, "\nOnly code can set: `%s`.\n", strings.Join(fields, "`, `"))
	}
	return b.String()
}
