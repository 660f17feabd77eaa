package settings

import (
	"encoding"
	"encoding/base64"
	"errors"
	"io/fs"
	"math"
	"reflect"
	"strconv"
	"strings"
	"time"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/internal/settings"
)

// The names of the types of values in the documentation.
const (
	kindText     = "text"
	kindBool     = "true or false"
	kindNumber   = "number"
	kindSize     = "size"
	kindDuration = "duration"
	kindMode     = "mode"
	kindMap      = "map"
	kindList     = "list"
	kindLayout   = "layout"
)

// isText reports whether a type parses its values by its own method.
func isText(typ reflect.Type) bool {
	return reflect.PointerTo(typ).Implements(reflect.TypeFor[encoding.TextUnmarshaler]())
}

func kindOf(typ reflect.Type) string {
	if typ.Kind() == reflect.Pointer {
		typ = typ.Elem()
	}
	switch reflect.Zero(typ).Interface().(type) {
	case time.Duration:
		return kindDuration
	case fs.FileMode:
		return kindMode
	case ltxstore.Layout:
		return kindLayout
	}
	switch typ.Kind() {
	case reflect.Bool:
		return kindBool
	case reflect.Int, reflect.Int64, reflect.Float64:
		return kindNumber
	case reflect.Map:
		return kindMap
	case reflect.Slice:
		if typ.Elem().Kind() == reflect.String {
			return kindList
		}
	}
	return kindText
}

// takes reports whether the key of a setting may, or must, have something
// after a dot.
func (r *row) takes(rest string, dotted bool) bool {
	if r.kind == kindList && dotted {
		_, err := strconv.ParseUint(rest, 10, 16)
		return err == nil
	}
	return r.kind == kindList || (r.kind == kindMap) == dotted
}

// set parses a text into the row's field of cfg, or adds it to a map or a
// list. Its errors say what would be right and do not show the value.
func (r *row) set(cfg reflect.Value, rest, text string) error {
	v := cfg.FieldByIndex(r.index)
	switch r.kind {
	case kindMap:
		if v.IsNil() {
			v.Set(reflect.MakeMap(v.Type()))
		}
		v.SetMapIndex(reflect.ValueOf(rest), reflect.ValueOf(text))
		return nil
	case kindList:
		if v.Type().Elem().Kind() != reflect.String {
			return errors.New("want a list of replicas in a file")
		}
		v.Set(reflect.Append(v, reflect.ValueOf(text).Convert(v.Type().Elem())))
		return nil
	}
	if v.Kind() != reflect.Pointer {
		return r.parse(v, text)
	}
	p := reflect.New(v.Type().Elem())
	if err := r.parse(p.Elem(), text); err != nil {
		return err
	}
	if number := p.Elem(); number.CanInt() && number.Int() <= 0 || number.CanFloat() && number.Float() <= 0 {
		return errors.New("want more than 0")
	}
	v.Set(p)
	return nil
}

func (r *row) parse(v reflect.Value, text string) error {
	switch kind := kindOf(v.Type()); {
	case kind == kindDuration:
		d, err := time.ParseDuration(text)
		if err != nil || d < 0 {
			return errors.New("want a duration with its unit, such as 90s, 1m30s or 2h")
		}
		v.SetInt(int64(d))
	case kind == kindMode:
		// The leading 0 must be there: some YAML parsers hand over 0750 as 488.
		digits := strings.TrimPrefix(strings.TrimPrefix(text, "0"), "o")
		mode, err := strconv.ParseUint(digits, 8, 32)
		if err != nil || !strings.HasPrefix(text, "0") {
			return errors.New("want permissions in octal with a leading 0, such as 0750")
		}
		v.SetUint(mode)
	case isText(v.Type()):
		err := v.Addr().Interface().(encoding.TextUnmarshaler).UnmarshalText([]byte(text))
		if err != nil && kind == kindLayout {
			return errors.New("want auto, default, litestream or litestream-s3")
		}
		return err
	case r.kind == kindSize:
		size, err := ParseSize(text)
		if err != nil || v.OverflowInt(size) {
			return errSize
		}
		v.SetInt(size)
	case r.base64:
		b, err := base64.StdEncoding.DecodeString(text)
		if err != nil {
			return errors.New("want base64 (in a URL + is written %2B)")
		}
		v.SetBytes(b)
	case v.Kind() == reflect.Slice:
		v.SetBytes([]byte(text))
	case v.Kind() == reflect.Bool:
		on, err := settings.ParseBool(text)
		v.SetBool(on)
		return err
	case v.CanInt():
		n, err := strconv.ParseUint(text, 10, 31)
		if err != nil {
			return errors.New("want a whole number from 0 on")
		}
		v.SetInt(int64(n))
	case v.CanFloat():
		n, err := strconv.ParseFloat(text, 64)
		if err != nil || strings.Trim(text, "0123456789.") != "" {
			return errors.New("want a number such as 10 or 0.5")
		}
		v.SetFloat(n)
	default:
		v.SetString(text)
	}
	return nil
}

var errSize = errors.New("want a size in bytes such as 5242880, 5MiB or 1.5GB")

// ParseSize reads bytes: a number, with a unit of a thousand (kB, MB, GB, TB)
// or of 1024 (KiB, MiB, GiB, TiB) after it. The case does not matter, the B
// may be left out, and the number may have a fraction.
func ParseSize(text string) (int64, error) {
	end := strings.LastIndexAny(text, "0123456789.") + 1
	unit := strings.TrimSuffix(strings.ToLower(strings.TrimSpace(text[end:])), "b")
	factor, ok := map[string]float64{
		"": 1, "k": 1e3, "m": 1e6, "g": 1e9, "t": 1e12, "ki": 1 << 10, "mi": 1 << 20, "gi": 1 << 30, "ti": 1 << 40,
	}[unit]
	// ParseFloat reads 1e9 and 0x1p-2 too.
	n, err := strconv.ParseFloat(text[:end], 64)
	if !ok || err != nil || strings.Trim(text[:end], "0123456789.") != "" {
		return 0, errSize
	}
	// A float has all whole numbers up to 8 PiB. A fraction of a byte is rounded, but not
	// to 0, which often means the default.
	size := n * factor
	if size > 1<<53 || n != 0 && size < 1 {
		return 0, errSize
	}
	return int64(math.Round(size)), nil
}
