package scrub

import (
	"cmp"
	"math"
	"slices"
	"strings"
	"unicode/utf8"
)

// maxEscapes is the number of nested escapes that are decoded: enough for a query
// in JSON in JSON.
const maxEscapes = 3

// view is a text with its escapes decoded.
type view struct {
	text string
	at   []int // the offset in the original of each byte of text, and of its end
}

// redact returns text with "[redacted]" in place of each secret, escaped or
// not.
func redact(text string, secrets []string) string {
	type span struct{ start, end int }
	var found []span
	var look func(v view, depth int)
	look = func(v view, depth int) {
		for _, secret := range secrets {
			for i := 0; ; {
				next := strings.Index(v.text[i:], secret)
				if next < 0 {
					break
				}
				i += next + len(secret)
				found = append(found, span{v.place(i - len(secret)), v.place(i)})
			}
		}
		if depth == maxEscapes {
			return
		}
		for _, escape := range []byte(`%+\&`) {
			if decoded, ok := v.decode(escape); ok {
				look(decoded, depth+1)
			}
		}
	}
	look(view{text: text}, 0)
	if len(found) == 0 {
		return text
	}

	slices.SortFunc(found, func(a, b span) int { return cmp.Compare(a.start, b.start) })
	var b strings.Builder
	end := 0
	for _, s := range found {
		if s.start >= end {
			b.WriteString(text[end:s.start])
			b.WriteString(redacted)
		}
		end = max(end, s.end)
	}
	b.WriteString(text[end:])
	return b.String()
}

// place returns the offset in the original of byte i of a view.
func (v view) place(i int) int {
	if v.at == nil {
		return i
	}
	return v.at[i]
}

// decode decodes one kind of escape: that of a URL, which begins with %, the same
// with + for a space, that of JSON and Go, or that of XML. ok is false if there is
// none.
func (v view) decode(escape byte) (decoded view, ok bool) {
	if strings.IndexByte(v.text, escape) < 0 {
		return view{}, false
	}
	first := 0
	for ; first < len(v.text); first++ {
		if _, length := unescape(v.text[first:], escape); length > 0 {
			break
		}
	}
	if first == len(v.text) {
		return view{}, false
	}
	var b strings.Builder
	b.Grow(len(v.text))
	decoded.at = make([]int, 0, len(v.text)+1)
	for i := 0; i < len(v.text); {
		char, length := v.text[i:i+1], 1
		if i >= first {
			if c, n := unescape(v.text[i:], escape); n > 0 {
				char, length = c, n
			}
		}
		b.WriteString(char)
		for range len(char) {
			decoded.at = append(decoded.at, v.place(i))
		}
		i += length
	}
	decoded.at = append(decoded.at, v.place(len(v.text)))
	decoded.text = b.String()
	return decoded, true
}

// unescape returns the character whose escape is at the beginning of text, and the
// length of the escape, or 0 if there is none.
func unescape(text string, escape byte) (char string, length int) {
	switch {
	case escape == '+' && text[0] == '+':
		return " ", 1
	case text[0] == '%' && (escape == '%' || escape == '+'):
		if b, ok := number(text[1:], 2, 16); ok {
			return string([]byte{byte(b)}), 3
		}
	case text[0] != escape:
		return "", 0
	case escape == '\\':
		return unescapeJSON(text)
	case escape == '&':
		return unescapeXML(text)
	}
	return "", 0
}

func unescapeJSON(text string) (char string, length int) {
	if len(text) < 2 {
		return "", 0
	}
	width := 0
	switch text[1] {
	case 'x':
		width = 2
	case 'u':
		width = 4
	case 'U':
		width = 8
	case '0', '1', '2', '3':
		if b, ok := number(text[1:], 3, 8); ok {
			return string([]byte{byte(b)}), 4
		}
	}
	if width == 0 {
		if at := strings.IndexByte(`abfnrtv`, text[1]); at >= 0 {
			return "\a\b\f\n\r\t\v"[at : at+1], 2
		}
		return text[1:2], 2
	}
	code, ok := number(text[2:], width, 16)
	switch {
	case !ok:
		return "", 0
	case width == 2:
		return string([]byte{byte(code)}), 4
	}
	return character(code), 2 + width
}

func unescapeXML(text string) (char string, length int) {
	end := strings.IndexByte(text[:min(len(text), 11)], ';')
	if end < 2 {
		return "", 0
	}
	name := text[1:end]
	switch name {
	case "amp":
		return "&", end + 1
	case "lt":
		return "<", end + 1
	case "gt":
		return ">", end + 1
	case "quot":
		return `"`, end + 1
	case "apos":
		return "'", end + 1
	}
	digits, isNumber := strings.CutPrefix(name, "#")
	if !isNumber {
		return "", 0
	}
	base := 10
	if hexadecimal := strings.TrimLeft(digits, "xX"); hexadecimal != digits {
		digits, base = hexadecimal, 16
	}
	code, ok := number(digits, len(digits), base)
	if !ok {
		return "", 0
	}
	return character(code), end + 1
}

// number parses the first digits of text. Unlike strconv it does not allocate when
// it fails, which it may do at each byte of a long text.
func number(text string, digits, base int) (n uint64, ok bool) {
	if digits == 0 || len(text) < digits {
		return 0, false
	}
	for _, c := range []byte(text[:digits]) {
		digit := uint64(base)
		switch lower := c | 0x20; {
		case '0' <= c && c <= '9':
			digit = uint64(c - '0')
		case 'a' <= lower && lower <= 'f':
			digit = uint64(lower-'a') + 10
		}
		if n = n*uint64(base) + digit; digit >= uint64(base) || n > math.MaxUint32 {
			return 0, false
		}
	}
	return n, true
}

// character returns the character with a code. For one of a single byte it does not
// allocate.
func character(code uint64) string {
	if code < utf8.RuneSelf {
		return string([]byte{byte(code)})
	}
	return string(rune(code))
}
