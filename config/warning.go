package config

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/backend"
	"github.com/ltxstore/ltxstore/internal/realpath"
)

// Warning is about something in a file that is valid, but that its author is
// unlikely to have meant. Line and Column are 0 if the parser does not
// provide them.
type Warning struct {
	Line, Column int
	Text         string
}

// String returns "line 3, column 5: " and the text.
func (w Warning) String() string {
	if w.Line == 0 {
		return w.Text
	}
	return fmt.Sprintf("line %d, column %d: %s", w.Line, w.Column, w.Text)
}

func newWarning(n node, format string, args ...any) Warning {
	return Warning{n.line, n.column, fmt.Sprintf(format, args...)}
}

// warnPlace warns if the place of a replica is that of Litestream, but not
// what the section seems to say.
func (r *reader) warnPlace(place Place, src *ltxstore.Source, n node) {
	layout, err := ltxstore.ParseLayout(place.Layout)
	plain, errPlain := backend.NewKeys(layout, place.Path)
	exact, errExact := backend.KeysAt(layout, place.Path)
	if isBucket(src.Type) && err == nil && errPlain == nil && errExact == nil && plain.Prefix() != exact.Prefix() {
		want := strings.TrimSuffix(plain.Prefix(), "/")
		advice := fmt.Sprintf("with the path %q, they would start with %q", want, plain.Prefix())
		if want == "" {
			advice = "with a path, such as db, they would start with db/"
		}
		r.warn(n, "keys start with %q, as in Litestream: %s", exact.Prefix(), advice)
	}
	endpoint, _ := r.Getenv("LITESTREAM_S3_ENDPOINT") // src has it hidden
	if src.Type == "s3" && place.Endpoint == "" && endpoint != "" {
		r.warn(n, "LITESTREAM_S3_ENDPOINT is set, but Litestream's daemon ignores it: this replica is on AWS unless it has an endpoint")
	}
}

// warnDBs warns of databases that Litestream would not replicate, and of
// databases that share a replica.
func (r *reader) warnDBs(dbs []DB, nodes []node) {
	paths, taken := make(map[string]bool), make(map[string]int)
	once := func(name string) bool {
		for _, scheme := range []string{"sqlite3://", "sqlite://"} { // as Litestream does
			name = strings.TrimPrefix(name, scheme)
		}
		name, _ = r.home(name)
		name = realpath.Of(name)
		before := paths[name]
		paths[name] = true
		return !before
	}
	for i, db := range dbs {
		n := nodes[i]
		name := cmp.Or(db.Path, db.Dir)
		switch {
		case name == "":
			r.warn(n, "neither path nor dir is set: Litestream requires one of them")
		case db.Path != "" && db.Dir != "":
			r.warn(n, "both path and dir are set: Litestream accepts only one of them")
		case !once(name):
			r.warn(n, "%s is configured twice", name)
		}
		if db.Dir != "" && !slices.ContainsFunc(db.Daemon, func(s Setting) bool { return s.Key == "pattern" && s.Value != "" }) {
			r.warn(n, "dir without pattern: Litestream requires one, such as *.db")
		}
		switch {
		case len(db.Replicas) == 0:
			r.warn(n, "no replica: Litestream requires one")
		case len(db.Replicas) > 1:
			r.warn(n, "%d replicas: Litestream v0.5 supports only one", len(db.Replicas))
		}
		for _, replica := range db.Replicas {
			locations := replica.Locations()
			for n := range locations {
				if db.Dir != "" { // its databases have replicas below it
					locations[n] += "/*"
				}
			}
			if before, ok := take(taken, locations, i); ok && before != i {
				r.warn(n, "the replica of %s is %s too: two databases in one replica damage each other", cmp.Or(dbs[before].Path, dbs[before].Dir), replica)
			} else if ok {
				r.warn(n, "%s is configured twice", replica)
			}
		}
	}
}

// take notes that the database i has locations, and returns which one had one of
// them before, if any had.
func take(taken map[string]int, locations []string, i int) (before int, ok bool) {
	for _, location := range locations {
		other, twice := taken[location]
		switch {
		case !twice:
			taken[location] = i
		case !ok:
			before, ok = other, true
		}
	}
	return before, ok
}
