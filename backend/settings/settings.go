// Package settings decodes a URL, a section of a configuration file, or both
// into the Config of a backend or a wrapper. The struct tags of the Config
// declare the settings:
//
//	type Config struct {
//		Bucket   string        `ltx:"bucket" default:"required" help:"The bucket's name."`
//		PartSize int64         `ltx:"part-size,size,max=1GiB" default:"8MiB" help:"Bytes of a part."`
//		Token    string        `ltx:"token|api-key,secret" default:"none" help:"A token for authentication."`
//		Timeout  time.Duration `ltx:"timeout" default:"1m" help:"How long a response may take."`
//		Logger   *slog.Logger  `ltx:"-"`
//	}
//
// A backend registers its Config with [Register], and a wrapper with
// [RegisterWrapper]. [Validate] checks a Config that was made in code against the
// tags. Package [github.com/ltxstore/ltxstore/config] reads configuration files.
//
// # Tags
//
// Every exported field has the tag ltx. It holds the name of the setting in
// kebab-case, further names after "|", and options after commas. The same
// names in camelCase are always accepted. "-" marks a field that only code
// can set. The names of the settings of a nested struct start with the name
// in the tag of the struct's field and a hyphen; if that name is empty, they
// have no such prefix.
//
// The tag of the struct's field can change a setting of the struct: a key with the
// name of the setting has another name and further options, another default, and
// another help text, separated by semicolons. Empty parts change nothing. "-"
// removes the setting, and the struct's field must then be zero:
//
//	Transfer object.Options `ltx:"" part-size:"chunk-size,max=1GiB; 4MiB; Bytes of a chunk." page-size:"-"`
//
// The type of the field determines the format of the value: a plain string, a
// number, true or false, a duration with its unit, an fs.FileMode in
// octal, and the text of a ltxstore.Layout or another
// encoding.TextUnmarshaler. A map of strings has a setting for each key
// ("tags.env"), and a slice of strings is a list. A pointer is nil without
// the setting; the number that a pointer points to must be greater than 0.
// The options are:
//
//	size        the number is bytes, with a unit: 5MiB
//	base64      the bytes are in base64
//	kind=NAME   what the document calls the type of the values
//	secret      the value is never shown
//	min=N max=N what a number must be within, unless it is 0; the least is 0,
//	            or a negative min
//	oneof=A|B   what a text must be, unless it is empty
//	path        the text is a path of keys: see backend.CleanPath
//	endpoint    the text names the store's server, as a setting "endpoint" does
//	user        the text names the user, as a setting "user" does
//	not=NAME    a setting that must not be given together with this one
//
// The tag match holds a regular expression that a non-empty text must match,
// and want describes in words what it matches. The tags default and help are
// for the documentation.
//
// # Errors
//
// An unknown setting, a value that cannot be parsed and a contradiction are errors
// that name the setting and its place, and say what is expected. No error shows the
// value of a secret.
package settings

import (
	"cmp"
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"sync"
	"unicode"

	"github.com/ltxstore/ltxstore/internal/settings"
)

// layoutName is a setting of every backend. With the value auto, the layout is
// detected.
const layoutName, auto = "layout", "auto"

// Table is the settings of a Config.
type Table struct {
	typ      reflect.Type
	rows     []row
	removed  []row // by the struct that they are in
	codeOnly []string

	wrapper []string // its names, or nil for a backend
	locked  bool     // it cannot be turned off where settings are inherited
}

// row is one setting.
type row struct {
	names []string // the first is the setting's
	shown int      // how many of them the document has
	field string   // in words of Go: "Retry.MaxDelay"
	index []int    // of the field
	kind  string

	secret, base64, path bool
	role                 string // "endpoint" or "user"
	min, max             int64
	text                 map[string]string // the options min and max as they are written
	oneof, exclude       []string
	match                func() *regexp.Regexp // nil for any text
	want                 string                // what match wants, in words

	otherwise, help string // the tags default and help
}

// tables caches the tables by type, so that ten thousand clients parse the tags of a type
// only once.
var tables sync.Map // of *Table, by reflect.Type

// tableOf returns the table of a Config, which is not changed.
func tableOf(typ reflect.Type) *Table {
	if t, ok := tables.Load(typ); ok {
		return t.(*Table)
	}
	t, _ := tables.LoadOrStore(typ, newTable(typ))
	return t.(*Table)
}

// newTable parses the tags of a Config. It panics if a tag is malformed,
// which is a bug of the package that declares it.
func newTable(typ reflect.Type) *Table {
	t := &Table{typ: typ}
	t.add(typ, nil, "", "", "")
	for i := range t.rows {
		for _, name := range t.rows[i].names {
			if at := t.named(name); at != i {
				panic(fmt.Sprintf("settings: %v: %s is a name of %s and of %s", typ, name, t.rows[at].field, t.rows[i].field))
			}
		}
	}
	return t
}

// named returns the index of the row with a name, or -1.
func (t *Table) named(name string) int {
	return slices.IndexFunc(t.rows, func(r row) bool { return slices.Contains(r.names, name) })
}

// add adds the settings of a struct. The tag outer is that of the field that
// holds the struct; it can change the settings.
func (t *Table) add(typ reflect.Type, index []int, field, prefix string, outer reflect.StructTag) {
	for i := range typ.NumField() {
		f := typ.Field(i)
		if !f.IsExported() {
			continue
		}
		at := append(slices.Clone(index), i)
		tag, ok := f.Tag.Lookup("ltx")
		name, _, _ := strings.Cut(tag, ",")
		switch {
		case f.Anonymous && !ok:
			t.add(f.Type, at, field, prefix, outer)
		case !ok:
			panic(fmt.Sprintf("settings: %v: field %s%s has no tag ltx", t.typ, field, f.Name))
		case tag == "-":
			t.codeOnly = append(t.codeOnly, field+f.Name)
		case f.Type.Kind() == reflect.Struct && !isText(f.Type):
			if name != "" {
				name += "-"
			}
			t.add(f.Type, at, field+f.Name+".", prefix+name, f.Tag)
		case outer.Get(name) == "-":
			t.removed = append(t.removed, newRow(f, at, field+f.Name, prefix, ""))
		default:
			t.rows = append(t.rows, newRow(f, at, field+f.Name, prefix, outer.Get(name)))
		}
	}
}

// newRow parses the tags of a field. changes is what the tag of the struct that
// holds the field changes.
func newRow(f reflect.StructField, index []int, field, prefix, changes string) row {
	parts := append(strings.SplitN(changes, ";", 3), "", "")
	name, further, _ := strings.Cut(parts[0], ",")
	r := row{field: field, index: index, text: make(map[string]string), want: f.Tag.Get("want"),
		otherwise: cmp.Or(strings.TrimSpace(parts[1]), f.Tag.Get("default")), help: cmp.Or(strings.TrimSpace(parts[2]), f.Tag.Get("help"))}
	if match := f.Tag.Get("match"); match != "" {
		r.match = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(match) })
	}
	options := strings.Split(f.Tag.Get("ltx"), ",")
	options[0] = cmp.Or(name, options[0])
	if further != "" {
		options = append(options, strings.Split(further, ",")...)
	}
	var err error
	for _, option := range options[1:] {
		key, value, _ := strings.Cut(option, "=")
		switch key {
		case "size":
			r.kind = key
		case "kind":
			r.kind = value
		case "base64":
			r.kind, r.base64 = key, true
		case "secret":
			r.secret = true
		case "path":
			r.path = true
		case "endpoint", "user":
			r.role = key
		case "min":
			r.text[key] = value
			least, negative := strings.CutPrefix(value, "-")
			if r.min, err = ParseSize(least); negative {
				r.min = -r.min
			}
		case "max":
			r.text[key] = value
			r.max, err = ParseSize(value)
		case "oneof":
			r.oneof = strings.Split(value, "|")
		case "not":
			r.exclude = append(r.exclude, value)
		default:
			panic("settings: field " + field + " has the unknown option " + option)
		}
		if err != nil {
			panic("settings: field " + field + ": " + option + ": " + err.Error())
		}
	}
	if r.kind == "" {
		r.kind = kindOf(f.Type)
	}
	for _, name := range strings.Split(options[0], "|") {
		r.names = append(r.names, prefix+name)
	}
	r.shown = len(r.names)
	for _, name := range r.names[:r.shown] {
		if camel := camel(name); !slices.Contains(r.names, camel) {
			r.names = append(r.names, camel)
		}
	}
	return r
}

// camel converts a name from kebab-case to camelCase, as in the queries of
// Litestream.
func camel(name string) string {
	var b strings.Builder
	for i, word := range strings.Split(name, "-") {
		if i > 0 && word != "" {
			word = string(unicode.ToUpper(rune(word[0]))) + word[1:]
		}
		b.WriteString(word)
	}
	return b.String()
}

// Names returns the names of the settings in the order of the fields. A map
// has one name, such as "tags".
func (t *Table) Names() (names []string) {
	for _, r := range t.rows {
		names = append(names, r.names[0])
	}
	return names
}

// Lookup returns the full name of the setting that key names, and whether its
// value is a secret.
func (t *Table) Lookup(key string) (name string, secret, ok bool) {
	r, rest, ok := t.find(key)
	if !ok {
		return "", false, false
	}
	return t.prefix() + r.key(rest), r.secret, true
}

// prefix returns what the settings of a wrapper begin with.
func (t *Table) prefix() string {
	if len(t.wrapper) == 0 {
		return ""
	}
	return t.wrapper[0] + "."
}

// key returns the name of a setting; rest is the key within a map.
func (r *row) key(rest string) string {
	if r.kind == kindMap {
		return r.names[0] + "." + rest
	}
	return r.names[0]
}

// find returns the row for a key and, for "tags.env", what follows the dot.
func (t *Table) find(key string) (r *row, rest string, ok bool) {
	if key, ok = t.below(key); !ok {
		return nil, "", false
	}
	if len(t.wrapper) > 0 && key == enabled {
		return &row{names: []string{enabled}, kind: kindBool}, "", true
	}
	head, rest, dotted := strings.Cut(key, ".")
	for i := range t.rows {
		if r := &t.rows[i]; r.takes(rest, dotted) && slices.Contains(r.names, head) {
			return r, rest, true
		}
	}
	return nil, "", false
}

// unknown returns the error for a setting that the table does not have.
func (t *Table) unknown(v given) error {
	key, _ := t.below(v.key)
	prefix := strings.TrimSuffix(v.key, key)
	var names []string
	if len(t.wrapper) > 0 {
		names = []string{prefix + enabled}
	}
	for i := range t.rows {
		r := &t.rows[i]
		if r.kind == kindMap && slices.Contains(r.names, key) {
			return fmt.Errorf("%v has no name of its own: want %s.NAME, or a map in a file", v, v.key)
		}
		for _, name := range r.names[:r.shown] {
			names = append(names, prefix+name)
		}
	}
	return settings.Unknown(v.key, v.where, names)
}
