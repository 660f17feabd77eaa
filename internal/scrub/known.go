package scrub

import (
	"cmp"
	"encoding/base64"
	"encoding/hex"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
)

// Secrets are the secrets that a client knows: its keys, passwords and tokens. The zero value has
// none. A nil *Secrets can be read but not added to. All methods are safe for concurrent use.
//
// A client has one Secrets, in its oplog.Logger, and adds each secret when it learns it:
//
//	log.Secrets.Add(cfg.SecretAccessKey, cfg.SessionToken, string(cfg.SSECustomerKey))
//	log.Secrets.AddToken(token.Value) // whenever there is a new one
//
// All errors and log lines pass through Error or Text before they are truncated, which could leave
// half of a secret.
type Secrets struct {
	known  atomic.Pointer[known]   // a pointer, because fmt would print the value within a client
	common atomic.Pointer[Secrets] // see Include
}

// known is never modified: Add makes a new one.
type known struct {
	values []string
	tokens []string // the oldest first

	once sync.Once
	all  []string // spellings of all, the longest first, made for the first text
}

const (
	// minLength is the length in bytes of the shortest secret that is redacted: a
	// shorter one is a part of ordinary words, and redacting those would reveal it.
	minLength = 6

	// maxTokens is the number of tokens that are kept. A daemon renews them for as
	// long as it runs.
	maxTokens = 16
)

// Add adds secrets. Those of less than 6 bytes are ignored. In a text of several lines, such as a
// private key, each line of 16 bytes or more is also a secret.
func (s *Secrets) Add(secrets ...string) {
	for _, secret := range secrets {
		s.add(secret, false)
		for line := range strings.Lines(secret) {
			line = strings.TrimSpace(line)
			if len(line) >= 16 && !strings.HasPrefix(line, "-----") {
				s.add(line, false)
			}
		}
	}
}

// Include adds the present and future secrets of other to those of s, so that secrets that many
// clients share are in memory once. It replaces an earlier Include.
func (s *Secrets) Include(other *Secrets) { s.common.Store(other) }

// AddToken adds a token and keeps it until 16 others have been added, so that it may be called with
// every request. Short tokens are ignored, as by Add.
func (s *Secrets) AddToken(token string) { s.add(token, true) }

func (s *Secrets) add(secret string, isToken bool) {
	for len(secret) >= minLength {
		next := new(known)
		before := s.known.Load()
		if before != nil {
			next.values, next.tokens = before.values, before.tokens
		}
		switch {
		case slices.Contains(next.values, secret), isToken && slices.Contains(next.tokens, secret):
			return
		case isToken:
			next.tokens = append(slices.Clone(next.tokens), secret)
			next.tokens = next.tokens[max(len(next.tokens)-maxTokens, 0):]
		default:
			next.values = append(slices.Clone(next.values), secret)
		}
		if s.known.CompareAndSwap(before, next) {
			return
		}
	}
}

// Error returns err with a message without known secrets and anything that looks like a secret. It
// matches the same errors. It returns nil if err is nil.
func (s *Secrets) Error(err error) error {
	if err == nil {
		return nil
	}
	text := err.Error()
	clean := s.Text(text)
	if clean == text {
		return err
	}
	return &scrubbed{text: clean, err: err}
}

// Text returns text with "[redacted]" in place of each known secret in any form: unchanged, escaped
// as in a URL, JSON, XML or Go, in hexadecimal, and in base64, alone or within a longer text
// ("user:password"). It also redacts all that the function Text does.
func (s *Secrets) Text(text string) string {
	if s != nil {
		if common := s.common.Load(); common != nil {
			text = common.Text(text)
		}
		if k := s.known.Load(); k != nil {
			text = redact(text, k.spellings())
		}
	}
	return Text(text)
}

// spellings are made for the first error or log line, because an idle client needs none.
func (k *known) spellings() []string {
	k.once.Do(func() {
		for _, value := range slices.Concat(k.values, k.tokens) {
			k.all = append(k.all, spellings(value)...)
		}
		slices.SortFunc(k.all, func(a, b string) int { return cmp.Or(len(b)-len(a), strings.Compare(a, b)) })
		k.all = slices.Compact(k.all)
	})
	return k.all
}

// spellings returns a secret and its encodings as a whole. Escaped characters are
// recognized in each of them.
func spellings(secret string) []string {
	forms := []string{secret, hex.EncodeToString([]byte(secret)), strings.ToUpper(hex.EncodeToString([]byte(secret)))}
	for _, encoding := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
		// Three bytes make four digits, so that the text before the secret decides
		// which digits hold which bits. Digits with bits of neighboring bytes are
		// omitted, except for the secret alone.
		forms = append(forms, encoding.EncodeToString([]byte(secret)))
		for before := range 3 {
			digits := encoding.EncodeToString([]byte(strings.Repeat("\x00", before) + secret))
			forms = append(forms, digits[(before*8+5)/6:(before+len(secret))*8/6])
		}
	}
	return forms
}
