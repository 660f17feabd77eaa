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
		name, otherwise, hasOtherwise := strings.Cut(name, ":-")
		found, ok := r.Getenv(name)
		switch {
		case r.Litestream && (hasOtherwise || name == "$"):
			// Litestream looks up the whole as a name, which no variable has.
			if name == "$" {
				r.warn(n, "$$ is empty, as in Litestream, and not a dollar sign")
			} else if found != "" || otherwise != "" {
				r.warn(n, "${%s:-%s} is empty, as in Litestream, which does not support defaults", name, otherwise)
			}
			return ""
		case name == "$":
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
func (r *reader) required(key string, n node) (value string, ok bool) {
	if n.kind != scalar {
		r.invalid(n, "%s is a %s: want one value", key, []string{"null", "value", "list", "map"}[n.kind])
		return "", false
	}
	value, missing := r.text(n)
	if at := strings.LastIndex(n.text, "${"); at >= 0 && !r.NoExpandEnv && !strings.Contains(n.text[at:], "}") {
		r.invalid(n, "%s has ${ without }: want ${NAME}", key)
		return "", false
	}
	if missing != "" {
		dollar := ", or $$ for a dollar sign"
		if r.Litestream {
			dollar = ""
		}
		r.invalid(n, "%s has the variable $%s, which is not set: set it, or use ${%s:-} for an empty value%s", key, missing, missing, dollar)
		return "", false
	}
	return value, true
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
