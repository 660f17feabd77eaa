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

// setter sets the value of a setting. Its error says what is expected.
type setter func(value string) error

// table maps names of settings to their setters.
type table map[string]setter

// read sets all settings in found, and joins the errors. The table must have every
// name that package config accepts.
func (t table) read(found []config.Setting) error {
	var failed []error
	for _, s := range found {
		set, ok := t[s.Key]
		if !ok {
			set, ok = t.numbered(s.Key)
		}
		if !ok {
			failed = append(failed, s.Errorf("%s: not supported by the daemon: remove it", s.Key))
			continue
		}
		if s.Value == "" && t[s.Key] != nil { // of a variable that is not set: the default, as in Litestream
			continue
		}
		if err := set(s.Value); err != nil {
			failed = append(failed, s.Errorf("%s: %w", s.Key, err))
		}
	}
	return errors.Join(failed...)
}

// numbered returns the setter of "levels.#.interval" for "levels.0.interval".
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

// bad returns the error of an invalid value.
func bad(value, want string) error { return fmt.Errorf("invalid value %q: want %s", value, want) }

// atLeast sets a duration of least or more.
func atLeast(to *time.Duration, least time.Duration) setter {
	return func(value string) error {
		d, err := time.ParseDuration(value)
		if err != nil || d < least {
			want := fmt.Sprintf("at least %v", least)
			if least == 1 {
				want = "more than 0"
			}
			return bad(value, "a duration of "+want+", such as 30s, 5m or 24h")
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
		switch strings.ToLower(value) {
		case "true", "yes", "y", "on": // as in YAML 1.1, which Litestream reads
			*to = true
		case "false", "no", "n", "off":
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

// permissions sets a file's mode, which is octal with or without a leading 0.
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
		return "", fmt.Errorf("%q: no home directory: want an absolute path: %w", path, err)
	}
	return home + path[1:], nil
}

// webURL sets the URL of a web service. It may contain a secret, so errors do not
// show it.
func webURL(to *string) setter {
	return func(value string) error {
		u, err := url.Parse(value)
		if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
			return errors.New("want a URL that starts with http:// or https://")
		}
		*to = value
		return nil
	}
}

// refused is the setter of a setting that the daemon does not support.
func refused(want string) setter {
	return func(string) error { return errors.New(want) }
}
