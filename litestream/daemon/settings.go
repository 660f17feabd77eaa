package daemon

import (
	"errors"
	"fmt"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/ltxstore/ltxstore/config"
)

// setter sets the value of a setting. Its error says what would be right.
type setter func(value string) error

// table has a setter for each setting, by name.
type table map[string]setter

// read sets each setting, and returns what is wrong with them. The table has every
// setting: package config knows the names, and this package must not omit one.
func (t table) read(found []config.Setting) error {
	var failed []error
	for _, s := range found {
		set, ok := t[s.Key]
		if !ok {
			set, ok = t.numbered(s.Key)
		}
		if !ok {
			failed = append(failed, wrong(s, errors.New("the daemon does not have it: want it left out")))
			continue
		}
		if err := set(s.Value); err != nil {
			failed = append(failed, wrong(s, err))
		}
	}
	return errors.Join(failed...)
}

// numbered finds the setter of "levels.#.interval" for "levels.0.interval".
func (t table) numbered(key string) (setter, bool) {
	parts := strings.Split(key, ".")
	for i, part := range parts {
		if _, err := strconv.Atoi(part); err == nil {
			parts[i] = "#"
		}
	}
	set, ok := t[strings.Join(parts, ".")]
	return set, ok
}

// wrong is the error of a setting.
func wrong(s config.Setting, err error) error {
	if s.Line == 0 {
		return fmt.Errorf("%s: %w", s.Key, err)
	}
	return fmt.Errorf("line %d, column %d: %s: %w", s.Line, s.Column, s.Key, err)
}

// bad returns the error of a value that cannot be used.
func bad(value, want string) error { return fmt.Errorf("%q cannot be used: want %s", value, want) }

// atLeast sets a duration of least or more.
func atLeast(to *time.Duration, least time.Duration) setter {
	return func(value string) error {
		d, err := time.ParseDuration(value)
		if err != nil || d < least {
			return bad(value, fmt.Sprintf("a duration of at least %v, such as 30s, 5m or 24h", least))
		}
		*to = d
		return nil
	}
}

// positive sets a duration of more than 0.
func positive(to *time.Duration) setter { return atLeast(to, 1) }

func appendPositive(to *[]time.Duration) setter {
	return func(value string) error {
		var d time.Duration
		err := positive(&d)(value)
		*to = append(*to, d)
		return err
	}
}

func boolean(to *bool) setter {
	return func(value string) error {
		switch value {
		case "true", "yes", "on", "True", "TRUE":
			*to = true
		case "false", "no", "off", "False", "FALSE":
			*to = false
		default:
			return bad(value, "true or false")
		}
		return nil
	}
}

// number sets a whole number of least or more.
func number[N int | int64](to *N, least N) setter {
	return func(value string) error {
		n, err := strconv.ParseInt(strings.ReplaceAll(value, "_", ""), 0, 64)
		if err != nil || n < int64(least) || int64(N(n)) != n {
			return bad(value, fmt.Sprintf("a whole number of at least %d", least))
		}
		*to = N(n)
		return nil
	}
}

func text(to *string) setter {
	return func(value string) error {
		*to = value
		return nil
	}
}

func oneOf(to *string, values ...string) setter {
	return func(value string) error {
		for _, v := range values {
			if strings.EqualFold(value, v) {
				*to = v
				return nil
			}
		}
		return bad(value, strings.Join(values[:len(values)-1], ", ")+" or "+values[len(values)-1])
	}
}

// permissions sets a file's mode, which is octal whether it begins with 0 or not.
func permissions(to *os.FileMode) setter {
	return func(value string) error {
		n, err := strconv.ParseUint(strings.TrimPrefix(value, "0o"), 8, 32)
		if err != nil || n > 0o777 {
			return bad(value, "permissions in octal, such as 0600")
		}
		*to = os.FileMode(n)
		return nil
	}
}

// path sets a path, with the home directory in place of "~".
func path(to *string) setter {
	return func(value string) (err error) {
		*to, err = expandHome(value)
		return err
	}
}

func expandHome(path string) (string, error) {
	if path != "~" && !strings.HasPrefix(path, "~/") {
		return path, nil
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return "", fmt.Errorf("%q has no home directory: want an absolute path: %w", path, err)
	}
	return home + path[1:], nil
}

// webURL sets the URL of a web service. It may contain a secret: no error shows it.
func webURL(to *string) setter {
	return func(value string) error {
		u, err := url.Parse(value)
		if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
			return errors.New("want a URL that begins with http:// or https://")
		}
		*to = value
		return nil
	}
}

// refused is a setting of Litestream that the daemon does not support.
func refused(want string) setter {
	return func(string) error { return errors.New(want) }
}
