package config

import (
	"os"
	"strconv"
	"strings"
)

// text returns a scalar with its variables expanded, and the first variable
// that is not set.
func (r *reader) text(n node) (expanded, missing string) {
	if r.NoExpandEnv {
		return n.text, ""
	}
	expanded = os.Expand(n.text, func(name string) string {
		var otherwise string
		var hasOtherwise bool
		if !r.Litestream { // which looks up the whole as a name
			name, otherwise, hasOtherwise = strings.Cut(name, ":-")
		}
		found, ok := r.Getenv(name)
		switch {
		case name == "$" && !r.Litestream:
			return "$"
		case ok && (found != "" || !hasOtherwise):
			return found
		case hasOtherwise:
			return otherwise
		case name == "PID":
			return strconv.Itoa(os.Getpid())
		case missing == "":
			missing = name
		}
		return ""
	})
	if r.Litestream && n.plain && expanded != n.text {
		expanded = strings.TrimSpace(expanded) // Litestream expands variables before it reads the YAML
	}
	return expanded, missing
}

// required is text for values in which every variable must be set: a path
// with an empty variable could be that of another replica.
func (r *reader) required(n node) (value string, ok bool) {
	value, missing := r.text(n)
	at := strings.LastIndex(n.text, "${")
	switch {
	case n.kind != scalar:
		r.invalid(n, "%s is a %s: want one value", n.key, []string{"null", "value", "list", "map"}[n.kind])
	case at >= 0 && !r.NoExpandEnv && !strings.Contains(n.text[at:], "}"):
		r.invalid(n, "%s has ${ without }: want ${NAME}", n.key)
	case missing != "" && r.Litestream:
		r.invalid(n, "%s has the variable $%s, which is not set: set it, if only to an empty value (Litestream has neither ${NAME:-TEXT} nor $$)", n.key, missing)
	case missing != "":
		r.invalid(n, "%s has the variable $%s, which is not set: set it, or use ${%s:-} for an empty value, or $$ for a dollar sign", n.key, missing, missing)
	default:
		return value, true
	}
	return "", false
}

// home replaces a leading "~" in a path by the home directory. ok is false if
// that is not known.
func (r *reader) home(path string) (absolute string, ok bool) {
	if path != "~" && !strings.HasPrefix(path, "~/") && !strings.HasPrefix(path, "~"+string(os.PathSeparator)) {
		return path, true
	}
	for _, name := range []string{"HOME", "USERPROFILE"} {
		if dir, _ := r.Getenv(name); dir != "" {
			return dir + path[1:], true
		}
	}
	return path, false
}
