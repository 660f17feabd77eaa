package main

import (
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/ltxstore/ltxstore"
)

// withoutSecrets returns a text that shows no secret of the command line. An
// error quotes what it is about, and a URL with a password may stand where
// something else is wanted: in place of a command, a level, a flag's value, a
// file.
func withoutSecrets(text string, args []string) string {
	var hidden []string // pairs: what is replaced, and by what
	for _, arg := range args {
		bare := strings.TrimLeft(arg, "-")
		_, value, _ := strings.Cut(bare, "=")
		for _, part := range []string{arg, bare, value} {
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

// likeURL reports whether an argument may be a URL, mistyped perhaps, rather than
// the name of a file.
func likeURL(arg string) bool {
	user, _, at := strings.Cut(arg, "@")
	_, query, asked := strings.Cut(arg, "?")
	return strings.Contains(arg, "://") || at && strings.Contains(user, ":") || asked && strings.Contains(query, "=")
}

// secrets returns the parts of a URL that are not in the URL as it is shown, in
// each spelling in which they may be in a text.
func secrets(raw, shown string) (found []string) {
	add := func(secret string) {
		const least = 4 // less is in every other word
		for _, spelling := range []string{secret, unescaped(secret)} {
			if len(spelling) >= least && !strings.Contains(shown, spelling) {
				found = append(found, spelling)
			}
		}
	}
	place, query, _ := strings.Cut(raw, "?")
	if at := strings.LastIndexByte(place, '@'); at >= 0 {
		user := place[:at]
		if _, after, ok := strings.Cut(user, "//"); ok {
			user = after
		}
		name, password, _ := strings.Cut(user, ":")
		add(user)
		add(name)
		add(password)
	}
	for part := range strings.FieldsFuncSeq(query, func(r rune) bool { return r == '&' || r == '#' }) {
		_, value, ok := strings.Cut(part, "=")
		if !ok {
			value = part
		}
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
