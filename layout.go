package ltxstore

import (
	"fmt"
	"io/fs"
	"strconv"
	"strings"
)

// Layout determines how a replica's files are named. The zero value is
// LayoutDefault.
type Layout uint8

const (
	// LayoutDefault is <path>/ltx/<level, %04d>/<file>, with the snapshots
	// (level 9) in <path>/snapshots/<file>.
	LayoutDefault Layout = iota

	// LayoutLitestream is the layout of Litestream v0.5 in all stores except S3
	// and OSS: <path>/ltx/<level>/<file>.
	LayoutLitestream

	// LayoutLitestreamS3 is the layout of Litestream v0.5 in S3 and OSS:
	// <path>/<level, %04x>/<file>.
	LayoutLitestreamS3

	layoutCount
)

// MaxLevel is the highest level: names have four decimal digits for it.
// Litestream uses 0 to SnapshotLevel.
const MaxLevel = 9999

var layoutNames = [layoutCount]string{"default", "litestream", "litestream-s3"}

// ParseLayout returns the layout with the given name: "default", "litestream"
// or "litestream-s3". The empty string is LayoutDefault. Any other name is
// fs.ErrInvalid.
func ParseLayout(name string) (Layout, error) {
	if name == "" {
		return LayoutDefault, nil
	}
	for i, s := range layoutNames {
		if s == name {
			return Layout(i), nil
		}
	}
	return 0, fmt.Errorf("layout is %q: want one of %s: %w", name, strings.Join(layoutNames[:], ", "), fs.ErrInvalid)
}

// String returns the layout's name in URLs and configuration files.
func (l Layout) String() string {
	if l < layoutCount {
		return layoutNames[l]
	}
	return "layout(" + strconv.Itoa(int(l)) + ")"
}

// MarshalText returns the layout's name.
func (l Layout) MarshalText() ([]byte, error) {
	if l >= layoutCount {
		return nil, fmt.Errorf("layout is %v: want one of %s: %w", l, strings.Join(layoutNames[:], ", "), fs.ErrInvalid)
	}
	return []byte(l.String()), nil
}

// UnmarshalText is ParseLayout.
func (l *Layout) UnmarshalText(text []byte) error {
	parsed, err := ParseLayout(string(text))
	if err != nil {
		return err
	}
	*l = parsed
	return nil
}
