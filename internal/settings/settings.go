// Package settings turns a URL, a section of a configuration file, or both,
// into the Config of a backend or of a wrapper. It is the only thing that does:
// one table of rows for each, which its document is written from too, so that no
// two parsers can differ.
//
// It is strict. What is not known, cannot be read or contradicts itself is an
// error that names the setting and says what would be right; no error shows
// the value of a secret.
package settings

import (
	"strings"
	"unicode"
)

// LayoutName is the setting that every backend has, and Auto its value that
// asks for the layout to be found out.
const (
	LayoutName = "layout"
	Auto       = "auto"
)

// Source has the fields of ltxstore.Source, which tells what they mean and is
// converted to it.
type Source struct {
	Type, URL string

	Settings, Defaults map[string]string

	Where  func(key string) string
	Layout string // a name, Auto, or empty
	Getenv func(key string) (string, bool)
}

// Table is all that can be set of a Config, which is a C.
type Table[C any] struct {
	Rows []Row[C]

	// Wrapper is the names of the wrapper that the table is of, whose settings
	// are "NAME.SETTING". It is nil for a backend.
	Wrapper []string

	// Locked says of a wrapper that it cannot be turned off where settings for
	// it are inherited.
	Locked bool

	// Place reads what a URL says before its query. Nil accepts nothing there.
	Place func(u URL) (map[string]string, error)

	// Exclude are pairs of settings that may not be given both.
	Exclude [][2]string

	// CodeOnly are the fields of C that have no row: only code can set them.
	CodeOnly []string
}

// Row is one setting.
type Row[C any] struct {
	// Name is the setting's in files and in queries, in kebab-case. The same
	// in camelCase is always accepted.
	Name string

	// Aliases are other names, each accepted in camelCase too.
	Aliases []string

	// To is the field that the value goes to, and how it is read.
	To Field[C]

	// Default says what is the case without the setting, and Help what it is
	// for, both for the document.
	Default, Help string

	// Secret values are never shown.
	Secret bool
}

// Lookup returns the name of the setting that key is a name of, and whether
// its value is a secret.
func (t Table[C]) Lookup(key string) (name string, secret, ok bool) {
	row, rest, ok := t.find(key)
	if !ok {
		return "", false, false
	}
	return t.prefix() + row.key(rest), row.Secret, true
}

// prefix is what a wrapper's settings begin with.
func (t Table[C]) prefix() string {
	if len(t.Wrapper) == 0 {
		return ""
	}
	return t.Wrapper[0] + "."
}

// key returns the name of a setting, of which a map has many.
func (r *Row[C]) key(rest string) string {
	if r.To.many {
		return r.Name + "." + rest
	}
	return r.Name
}

// find returns the row of a key, and for "tags.env" what follows the dot.
func (t Table[C]) find(key string) (row *Row[C], rest string, ok bool) {
	if key, ok = t.below(key); !ok {
		return nil, "", false
	}
	if len(t.Wrapper) > 0 && key == Enabled {
		return &Row[C]{Name: Enabled, To: Field[C]{kind: boolKind}}, "", true
	}
	head, rest, dotted := strings.Cut(key, ".")
	for i := range t.Rows {
		row := &t.Rows[i]
		if !row.To.takes(rest, dotted) {
			continue
		}
		for _, name := range row.names() {
			if name == head {
				return row, rest, true
			}
		}
	}
	return nil, "", false
}

// names returns every name of the row, the first one first.
func (r *Row[C]) names() []string {
	names := []string{r.Name}
	add := func(name string) {
		for _, known := range names {
			if known == name {
				return
			}
		}
		names = append(names, name)
	}
	add(camel(r.Name))
	for _, alias := range r.Aliases {
		add(alias)
		add(camel(alias))
	}
	return names
}

// camel returns a name in kebab-case as queries of Litestream write it.
func camel(name string) string {
	var b strings.Builder
	upper := false
	for _, c := range name {
		switch {
		case c == '-':
			upper = true
			continue
		case upper:
			c = unicode.ToUpper(c)
		}
		upper = false
		b.WriteRune(c)
	}
	return b.String()
}
