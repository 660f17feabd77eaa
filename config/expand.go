package config

import (
	"os"
	"strconv"
	"strings"
)

// text returns a scalar with its variables expanded, and the first variable
// that is not set.
func (o Options) text(n node) (expanded, missing string) {
	if o.NoExpandEnv {
		return n.text, ""
	}
	expanded = os.Expand(n.text, func(name string) string {
		name, otherwise, hasOtherwise := strings.Cut(name, ":-")
		found, ok := o.Getenv(name)
		switch {
		case o.Litestream && (hasOtherwise || name == "$"):
			// Litestream looks up the whole as a name, which no variable has.
			if name == "$" {
				o.warn(n, "$$ is empty, as in Litestream, and no dollar sign")
			} else if found != "" || otherwise != "" {
				o.warn(n, "${%s:-%s} is empty, as in Litestream, which knows no defaults", name, otherwise)
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
	if o.Litestream && n.plain && expanded != n.text {
		expanded = strings.TrimSpace(expanded) // Litestream expands variables before it reads the YAML
	}
	return expanded, missing
}

// required is text for values in which every variable must be set: a path
// with an empty variable could be that of another replica.
func (o Options) required(key string, n node) (string, error) {
	if n.kind != scalar {
		return "", invalid(n, "%s is a %s: want one value", key, []string{"null", "value", "list", "map"}[n.kind])
	}
	value, missing := o.text(n)
	if at := strings.LastIndex(n.text, "${"); at >= 0 && !o.NoExpandEnv && !strings.Contains(n.text[at:], "}") {
		return "", invalid(n, "%s has ${ without }: want ${NAME}", key)
	}
	if missing != "" {
		dollar := ", or $$ for a dollar sign"
		if o.Litestream {
			dollar = ""
		}
		return "", invalid(n, "%s has the variable $%s, which is not set: want it set, ${%s:-} if nothing is meant%s", key, missing, missing, dollar)
	}
	return value, nil
}

// home replaces a leading "~" in a path by the home directory.
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
	if o.warnings == nil {
		o.warnings = new([]Warning)
	}
	return o
}
