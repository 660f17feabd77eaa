package main

import (
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/ltxstore/ltxstore"
)

// withoutSecrets removes secrets of the command line from a text. Errors
// quote arguments, and a URL with a password may be given in place of
// anything: a command, a level, the value of a flag, a file.
func withoutSecrets(text string, args []string) string {
	var hidden []string // pairs of old and new text
	for _, arg := range args {
		bare := strings.TrimLeft(arg, "-")
		parts := []string{arg, bare}
		if name, value, ok := strings.Cut(bare, "="); ok && !strings.ContainsAny(name, ":/?@") {
			parts = []string{value} // of a flag
		}
		for _, part := range parts {
			if shown := ltxstore.Redact(part); shown != part && likeURL(part) {
				hidden = append(hidden, part, shown)
				for _, secret := range secrets(part, shown) {
					hidden = append(hidden, secret, "[redacted]")
				}
			}
		}
	}
	for pair := range slices.Chunk(hidden, 2) {
		for _, spelling := range []string{pair[0], strings.Trim(strconv.Quote(pair[0]), `"`)} {
			text = strings.ReplaceAll(text, spelling, pair[1])
		}
	}
	return text
}

// likeURL reports whether an argument may be a URL, possibly mistyped, and
// not the name of a file.
func likeURL(arg string) bool {
	user, _, at := strings.Cut(arg, "@")
	_, query, asked := strings.Cut(arg, "?")
	return strings.Contains(arg, "://") || at && strings.Contains(user, ":") || asked && strings.Contains(query, "=")
}

// secrets returns the parts of a URL that are redacted, in each spelling that
// may occur in a text.
func secrets(raw, shown string) (found []string) {
	add := func(secret string) {
		const least = 4 // shorter texts occur in ordinary words
		for _, spelling := range []string{secret, unescaped(secret)} {
			if len(spelling) >= least && !strings.Contains(shown, spelling) {
				found = append(found, spelling)
			}
		}
	}
	place, query, _ := strings.Cut(raw, "?")
	user := place[:max(strings.LastIndexByte(place, '@'), 0)]
	if _, after, ok := strings.Cut(user, "//"); ok {
		user = after
	}
	name, password, _ := strings.Cut(user, ":")
	add(user)
	add(name)
	add(password)
	separates := func(r rune) bool { return r == '&' || r == ';' || r == '#' }
	for part := range strings.FieldsFuncSeq(query, separates) {
		_, value, ok := strings.Cut(part, "=")
		if !ok {
			value = part
		}
		add(value)
	}
	for part := range strings.FieldsFuncSeq(place, separates) { // without its question mark
		_, value, _ := strings.Cut(part, "=")
		add(value)
	}
	return found
}

func unescaped(text string) string {
	if plain, err := url.QueryUnescape(text); err == nil {
		return plain
	}
	return text
}
