package settings

import (
	"encoding"
	"encoding/base64"
	"errors"
	"io/fs"
	"strconv"
	"strings"
	"time"
)

// Field is a field of a Config: how a text becomes its value.
type Field[C any] struct {
	kind string // for the document
	many bool   // the setting is a map: "tags.env"
	list bool   // set is called for each item
	set  func(cfg *C, rest, text string) error
	at   func(cfg *C) any // a pointer to the field; nil if there is none
}

// The error of a setter says what would be right, and shows no value: Resolve
// shows it unless it is a secret.

// Text is a field of a string's type, taken as it is.
func Text[C any, S ~string](at func(*C) *S) Field[C] {
	return field("text", at, func(text string) (S, error) { return S(text), nil })
}

// Bool is a field that is true or false.
func Bool[C any](at func(*C) *bool) Field[C] {
	return field(boolKind, at, ParseBool)
}

// OptionalBool is a Bool that is nil if it is not set.
func OptionalBool[C any](at func(*C) **bool) Field[C] {
	return field(boolKind, at, func(text string) (*bool, error) {
		value, err := ParseBool(text)
		return &value, err
	})
}

// Int is a field of whole numbers from 0 on.
func Int[C any](at func(*C) *int) Field[C] {
	return field("number", at, func(text string) (int, error) {
		n, err := strconv.ParseUint(text, 10, 31)
		if err != nil {
			return 0, errors.New("want a whole number from 0 on")
		}
		return int(n), nil
	})
}

// Size is a field of bytes: see ParseSize.
func Size[C any, N int | int64](at func(*C) *N) Field[C] {
	return field("size", at, func(text string) (N, error) {
		size, err := ParseSize(text)
		if err == nil && int64(N(size)) != size {
			return 0, errSize
		}
		return N(size), err
	})
}

// Duration is a field of time, with a unit.
func Duration[C any](at func(*C) *time.Duration) Field[C] {
	return field("duration", at, func(text string) (time.Duration, error) {
		d, err := time.ParseDuration(text)
		if err != nil || d < 0 {
			return 0, errors.New("want a duration with its unit, such as 90s, 1m30s or 2h")
		}
		return d, nil
	})
}

// Mode is a field of permissions in octal, which a leading 0 must tell: some
// YAML parsers hand over 0750 as 488.
func Mode[C any](at func(*C) *fs.FileMode) Field[C] {
	return field("mode", at, func(text string) (fs.FileMode, error) {
		digits := strings.TrimPrefix(strings.TrimPrefix(text, "0"), "o")
		mode, err := strconv.ParseUint(digits, 8, 32)
		if err != nil || !strings.HasPrefix(text, "0") {
			return 0, errors.New("want permissions in octal with a leading 0, such as 0750")
		}
		return fs.FileMode(mode), nil
	})
}

// Base64 is a field of bytes in base64.
func Base64[C any](at func(*C) *[]byte) Field[C] {
	return field("base64", at, func(text string) ([]byte, error) {
		b, err := base64.StdEncoding.DecodeString(text)
		if err != nil {
			return nil, errors.New("want base64 (in a URL + is written %2B)")
		}
		return b, nil
	})
}

// Pairs is a field of texts by name: in a file a map, in a query a setting
// each, name.key=value.
func Pairs[C any](at func(*C) *map[string]string) Field[C] {
	return Field[C]{
		kind: "map",
		many: true,
		at:   func(cfg *C) any { return at(cfg) },
		set: func(cfg *C, rest, text string) error {
			pairs := at(cfg)
			if *pairs == nil {
				*pairs = make(map[string]string)
			}
			(*pairs)[rest] = text
			return nil
		},
	}
}

// List is a field of texts: in a file a list, or one text; in a query a setting
// for each, in order, name=value, or name.0=value, name.1=value.
func List[C any, S ~string](at func(*C) *[]S) Field[C] {
	return Field[C]{
		kind: "list",
		list: true,
		at:   func(cfg *C) any { return at(cfg) },
		set: func(cfg *C, _, text string) error {
			*at(cfg) = append(*at(cfg), S(text))
			return nil
		},
	}
}

// takes reports whether a field has a key with or without something after a dot.
func (f Field[C]) takes(rest string, dotted bool) bool {
	switch {
	case f.list && dotted:
		_, err := strconv.ParseUint(rest, 10, 16)
		return err == nil
	case f.list:
		return true
	}
	return f.many == dotted
}

// Layout is the field of the setting LayoutName.
func Layout[C any](at func(*C) encoding.TextUnmarshaler) Field[C] {
	return Field[C]{
		kind: "layout",
		at:   func(cfg *C) any { return at(cfg) },
		set: func(cfg *C, _, text string) error {
			if at(cfg).UnmarshalText([]byte(text)) != nil {
				return errors.New("want auto, default, litestream or litestream-s3")
			}
			return nil
		},
	}
}

// Func is a setting that is read in a way of its own. at points to the field
// that it sets, and is nil if it sets none, or shares it with another row.
func Func[C any](kind string, at func(*C) any, set func(cfg *C, text string) error) Field[C] {
	return Field[C]{kind: kind, at: at, set: func(cfg *C, _, text string) error { return set(cfg, text) }}
}

func field[C, T any](kind string, at func(*C) *T, parse func(text string) (T, error)) Field[C] {
	return Field[C]{
		kind: kind,
		at:   func(cfg *C) any { return at(cfg) },
		set: func(cfg *C, _, text string) error {
			value, err := parse(text)
			if err != nil {
				return err
			}
			*at(cfg) = value
			return nil
		},
	}
}

// Positive is a field that is nil if it is not set, and never 0.
func Positive[C any, N int64 | float64](kind string, at func(*C) **N, parse func(text string) (N, error)) Field[C] {
	return field(kind, at, func(text string) (*N, error) {
		n, err := parse(text)
		if err == nil && !(n > 0) {
			err = errors.New("want more than 0")
		}
		return &n, err
	})
}
