package crypt

import (
	"fmt"
	"math"
	"strings"

	"filippo.io/age"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/backend"
	"github.com/ltxstore/ltxstore/backend/settings"
	"github.com/ltxstore/ltxstore/internal/scrub"
	"github.com/ltxstore/ltxstore/wrap/internal/codec"
	"github.com/ltxstore/ltxstore/wrap/internal/layer"
)

// Config is the configuration of a Client. Recipients, Identities or both are required.
// Printing a Config, logging it, and encoding it as JSON or text shows no identity.
type Config struct {
	// Recipients are the public keys that files are encrypted to, up to two hybrid ones or
	// thirty of X25519: each file can be read with the identity of any of them. They are
	// Litestream's age.recipients. An entry may have several lines, like a recipients file of
	// age. Without recipients writing fails with errors.ErrUnsupported. Files are never
	// written unencrypted.
	Recipients []string `ltx:"recipients" default:"none: nothing can be written" help:"Public keys ('age1…') that files are encrypted to."`

	// Identities are the secret keys that files are decrypted with: each file with the
	// first that fits. They are Litestream's age.identities. An entry may have several
	// lines, like an identities file of age. Without identities files can be written,
	// deleted, and listed without useMetadata; reading fails with errors.ErrUnsupported.
	Identities []Identity `ltx:"identities,secret" default:"none: nothing can be read" help:"Secret keys that files are decrypted with: in a file, and from a variable."`

	// MetadataConcurrency is how many files a listing reads from at once. 0 means 32.
	MetadataConcurrency int `ltx:"metadata-concurrency" default:"32" help:"Number of files that a listing reads from at once."`

	// CacheSize is the memory in bytes for what is known of files, about 500 for each. 0
	// means 32 MiB. What does not fit is read again when it is needed.
	CacheSize int64 `ltx:"cache-size,size" default:"32MiB" help:"Memory for what is known of files."`
}

// Format writes the configuration without its identities, whatever the verb.
func (cfg Config) Format(f fmt.State, _ rune) { scrub.Format(f, settings.Text(cfg)) }

// MarshalText returns the configuration without its identities, also for JSON and
// log/slog: one may be among the recipients by mistake.
func (cfg Config) MarshalText() ([]byte, error) { return []byte(settings.Text(cfg)), nil }

// MarshalBinary is MarshalText, for encoding/gob.
func (cfg Config) MarshalBinary() ([]byte, error) { return cfg.MarshalText() }

// Identity is a secret key of age: "AGE-SECRET-KEY-1…". Printing, logging or encoding it
// does not show it.
type Identity string

// String hides the key.
func (id Identity) String() string { return scrub.Redacted(len(id)) }

// Format hides the key from every verb, %#v and %x among them.
func (id Identity) Format(f fmt.State, _ rune) { scrub.Format(f, id.String()) }

// MarshalText hides the key from JSON, YAML and log/slog.
func (id Identity) MarshalText() ([]byte, error) { return []byte(id.String()), nil }

// MarshalBinary is String too, for encoding/gob.
func (id Identity) MarshalBinary() ([]byte, error) { return id.MarshalText() }

// format is the codec.Format of a valid configuration.
type format struct {
	*codec.Cache[*key]
	next       layer.Next
	recipients []age.Recipient
	identities []age.Identity
}

var _ codec.Format = (*format)(nil)

// open returns the format of a client around next, or an error if the configuration is invalid.
// typ is next's Type; next may be empty.
func (cfg Config) open(typ string, next layer.Next) (*format, error) {
	if err := settings.Validate(typ, cfg); err != nil {
		return nil, err
	}
	invalid := func(field string, value any, want string) error {
		return backend.Invalid(typ, "init", field, value, want)
	}
	s := &format{Cache: codec.NewCache[*key](cfg.CacheSize), next: next}
	for i, entry := range cfg.Recipients {
		field := fmt.Sprintf("Recipients[%d]", i)
		if strings.Contains(strings.ToUpper(entry), "AGE-SECRET-KEY-") {
			return nil, invalid(field, scrub.Secret(len(entry)), "want a public key (age1…), not a secret one")
		}
		parsed, err := age.ParseRecipients(strings.NewReader(entry))
		if err != nil {
			return nil, invalid(field, entry, "want a native recipient of age (age1… or age1pq1…)")
		}
		s.recipients = append(s.recipients, parsed...)
	}
	for i, entry := range cfg.Identities {
		parsed, err := age.ParseIdentities(strings.NewReader(string(entry)))
		if err != nil { // it may quote the key
			return nil, invalid(fmt.Sprintf("Identities[%d]", i), scrub.Secret(len(entry)), "want a native identity of age, as age-keygen writes it")
		}
		s.identities = append(s.identities, parsed...)
	}
	switch {
	case len(s.recipients)+len(s.identities) == 0:
		return nil, invalid("Recipients", cfg.Recipients, "want a recipient to write files, Identities to read them, or both")
	case len(s.recipients) == 0:
		return s, nil
	}
	widest := binding{file: layer.File{Level: ltxstore.MaxLevel}, timestamp: math.MinInt64 + 1}
	if _, err := (&recipients{s.recipients, widest}).Wrap(make([]byte, 16)); err != nil {
		return nil, invalid("Recipients", cfg.Recipients, fmt.Sprintf("want up to two hybrid ones (age1pq1…), or up to thirty others: %v", err))
	}
	return s, nil
}
