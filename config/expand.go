package config

import (
	"os"
	"strconv"
	"strings"
)

// text returns a scalar with its variables replaced, and the first variable
// that is not set.
func (o Options) text(value string) (expanded, missing string) {
	if o.NoExpandEnv {
		return value, ""
	}
	expanded = os.Expand(value, func(name string) string {
		name, otherwise, hasOtherwise := strings.Cut(name, ":-")
		if hasOtherwise && o.Litestream {
			return "" // Litestream takes the whole for a name, which no variable has
		}
		found, ok := o.Getenv(name)
		switch {
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
	return expanded, missing
}

// required is text for what may not be left to chance: a path with a variable
// that is not set would be another replica's.
func (o Options) required(key string, n node) (string, error) {
	if n.kind != scalar {
		return "", invalid(n, "%s is a %s: want one value", key, []string{"null", "value", "list", "map"}[n.kind])
	}
	value, missing := o.text(n.text)
	if missing != "" {
		return "", invalid(n, "%s has the variable $%s, which is not set: want it set, ${%s:-} if nothing is meant, or $$ for a dollar sign", key, missing, missing)
	}
	return value, nil
}

// home returns a path with the home directory in place of "~".
func (o Options) home(n node, path string) (string, error) {
	if path != "~" && !strings.HasPrefix(path, "~/") && !strings.HasPrefix(path, "~"+string(os.PathSeparator)) {
		return path, nil
	}
	for _, name := range []string{"HOME", "USERPROFILE"} {
		if dir, _ := o.Getenv(name); dir != "" {
			return dir + path[1:], nil
		}
	}
	return "", invalid(n, "path is %q, and HOME is not set: want an absolute path", path)
}

func (o Options) withDefaults() Options {
	if o.Getenv == nil {
		o.Getenv = os.LookupEnv
	}
	return o
}
