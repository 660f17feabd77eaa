package settings

import (
	"errors"
	"net/url"
	"strings"
	"unicode"

	"github.com/ltxstore/ltxstore/internal/settings"
)

// URL is the URL of a replica, percent-decoded. Unlike net/url, it accepts an
// ARN as host, and its errors do not show the URL with its secrets.
type URL struct {
	Scheme string

	// HasAuthority tells "file:///a" from "file:a".
	HasAuthority bool

	// HasUser and HasPassword report whether there is a user and a password,
	// which may be empty.
	User, Password       string
	HasUser, HasPassword bool

	// Host is the host, with the port if there is one. It is not decoded,
	// because a host cannot contain anything that needs an escape.
	Host string

	// Path begins with a slash if the URL has an authority and a path.
	Path string

	query list
}

// ParseURL parses a URL. Its errors show no values.
func ParseURL(raw string) (URL, error) {
	scheme, err := settings.Scheme(raw)
	if err != nil {
		return URL{}, err
	}
	u := URL{Scheme: scheme}
	rest := raw[len(scheme)+1:]
	if strings.ContainsFunc(rest, unicode.IsControl) {
		return URL{}, errors.New("the URL has a line break or another control character: want it written with %, if it is meant")
	}
	if strings.Contains(rest, "#") {
		return URL{}, errors.New("the URL has a fragment: want # written as %23")
	}
	rest, query, _ := strings.Cut(rest, "?")
	if rest, u.HasAuthority = strings.CutPrefix(rest, "//"); u.HasAuthority {
		end := strings.IndexByte(rest, '/')
		if slash := end; settings.IsARN(rest) && slash >= 0 { // its resource has a slash
			if end = strings.IndexByte(rest[slash+1:], '/'); end >= 0 {
				end += slash + 1
			}
		}
		if end < 0 {
			end = len(rest)
		}
		if err := u.setAuthority(rest[:end]); err != nil {
			return URL{}, err
		}
		rest = rest[end:]
	}
	if u.Path, err = url.PathUnescape(rest); err != nil {
		return URL{}, badEscape("the URL's path")
	}
	return u, u.setQuery(query)
}

func (u *URL) setAuthority(authority string) error {
	u.Host = authority
	if at := strings.LastIndexByte(authority, '@'); at >= 0 {
		var err, errPassword error
		user, password, hasPassword := strings.Cut(authority[:at], ":")
		u.Host, u.HasUser, u.HasPassword = authority[at+1:], true, hasPassword
		u.User, err = url.PathUnescape(user)
		u.Password, errPassword = url.PathUnescape(password)
		if err != nil || errPassword != nil {
			return badEscape("the URL's user or password")
		}
	}
	if strings.ContainsAny(u.Host, "%\\ ") {
		return errors.New("the URL's host has a %, a backslash or a space in it: want a name as it is")
	}
	return nil
}

func (u *URL) setQuery(query string) error {
	for part := range strings.SplitSeq(query, "&") {
		if part == "" {
			continue
		}
		key, value, hasValue := strings.Cut(part, "=")
		key, err := url.QueryUnescape(key)
		if err != nil || key == "" {
			return errors.New("the URL's query has a setting whose name cannot be read: want name=value, separated by &")
		}
		if !hasValue {
			// The name is not shown, because it may be a value without its
			// name.
			return errors.New("the URL's query has a setting without a value: want name=value, separated by &")
		}
		if value, err = url.QueryUnescape(value); err != nil {
			return badEscape(key + ", in the URL's query,")
		}
		u.query = append(u.query, given{key: key, value: value, where: inURL})
	}
	return nil
}

func badEscape(where string) error {
	return errors.New(where + " has a % that is not followed by two hexadecimal digits: want % written as %25")
}
