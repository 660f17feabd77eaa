package crypt

import (
	"cmp"
	"fmt"
	"log/slog"
	"strings"

	"filippo.io/age"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/backend"
	"github.com/ltxstore/ltxstore/backend/settings"
	"github.com/ltxstore/ltxstore/internal/scrub"
	"github.com/ltxstore/ltxstore/wrap/internal/codec"
)

// Config says to whom files are encrypted and with what they are decrypted. Of
// Recipients and Identities one must be given. Printing a Config, logging it and
// encoding it as JSON or text shows no identity.
type Config struct {
	// Recipients are the public keys to which files are written: each file can
	// be read with the identity of any. They are Litestream's age.recipients. An
	// entry may have several lines, as a recipients file of age has. Without
	// recipients nothing can be written: errors.ErrUnsupported. Files are never
	// written unencrypted.
	Recipients []string `ltx:"recipients" default:"none: nothing can be written" help:"Public keys ('age1…') that files are encrypted to."`

	// Identities are the secret keys with which files are read: each file by the
	// first that fits. They are Litestream's age.identities. An entry may have
	// several lines, as an identities file of age has. Without identities files
	// can be written, listed without useMetadata and deleted; to read one is
	// errors.ErrUnsupported.
	Identities []Identity `ltx:"identities,secret" default:"none: nothing can be read" help:"Secret keys that files are decrypted with: in a file, and from a variable."`

	// HeaderSize is how many bytes the header of every file takes that is
	// written, filled up. 0 means 4096, which is enough for two hybrid recipients
	// or thirty of X25519; 512 is enough for three of X25519. Too few for the
	// Recipients are refused. It must be the same for all clients of a replica:
	// sizes in listings are wrong otherwise, unless MixedHeaders is set.
	HeaderSize int `ltx:"header-size,size,max=64KiB" default:"4KiB" help:"Bytes of each file's header: the same for all clients of a replica."`

	// MixedHeaders says that the replica may have files whose header has not
	// HeaderSize bytes: those of the age program, or of another HeaderSize. Their
	// size cannot be told from a listing: each file that this client has neither
	// written nor looked at then costs one small read. A listing with useMetadata
	// reads headers, and is right without it.
	MixedHeaders bool `ltx:"mixed-headers" default:"false" help:"The replica may have files of the age program, or of another 'header-size'."`

	// MetadataConcurrency is how many files are looked at at once in a listing.
	// 0 means 32.
	MetadataConcurrency int `ltx:"metadata-concurrency" default:"32" help:"Files looked at at once in a listing."`

	// CacheSize is how many bytes of memory what is known of files may take:
	// about 500 each. 0 means 32 MiB. What does not fit is asked for again.
	CacheSize int64 `ltx:"cache-size,size" default:"32MiB" help:"Bytes of memory for what is known of files."`
}

// String returns the configuration without its identities.
func (cfg Config) String() string {
	return fmt.Sprintf("crypt.Config{Recipients:%q Identities:%v HeaderSize:%d MixedHeaders:%t MetadataConcurrency:%d CacheSize:%d}",
		cfg.Recipients, cfg.Identities, cfg.HeaderSize, cfg.MixedHeaders, cfg.MetadataConcurrency, cfg.CacheSize)
}

// GoString is String.
func (cfg Config) GoString() string { return cfg.String() }

// Format is String for every verb.
func (cfg Config) Format(f fmt.State, _ rune) { scrub.Format(f, cfg.String()) }

// LogValue is String.
func (cfg Config) LogValue() slog.Value { return slog.StringValue(cfg.String()) }

// Identity is a secret key of age: "AGE-SECRET-KEY-1…". It is shown by nothing
// that prints, logs or encodes it.
type Identity string

// String hides the key.
func (id Identity) String() string { return scrub.Redacted(len(id)) }

// GoString hides the key.
func (id Identity) GoString() string { return scrub.Redacted(len(id)) }

// Format hides the key from every verb, %x and %q among them.
func (id Identity) Format(f fmt.State, _ rune) { scrub.Format(f, id.String()) }

// MarshalText hides the key from JSON, YAML and the like.
func (id Identity) MarshalText() ([]byte, error) { return []byte(id.String()), nil }

// LogValue hides the key.
func (id Identity) LogValue() slog.Value { return slog.StringValue(id.String()) }

const (
	defaultHeaderSize = 4096
	maxHeaderSize     = 64 << 10
	defaultCacheSize  = 32 << 20
)

// format is what a valid configuration has become. It is a codec.Format.
type format struct {
	next        ltxstore.ReplicaClient
	recipients  []age.Recipient
	identities  []age.Identity
	headerSize  int64
	mixed       bool
	concurrency int

	keys  *codec.Cache[*key]
	files *codec.Cache[codec.Known]
}

var _ codec.Format = (*format)(nil)

// open makes the format of a client around next.
func (cfg Config) open(next ltxstore.ReplicaClient) (*format, error) {
	f, err := cfg.check(next.Type())
	if err == nil {
		f.next = next
	}
	return f, err
}

// check returns the format without its client, or what is wrong with the configuration.
func (cfg Config) check(typ string) (*format, error) {
	if err := settings.Validate(typ, cfg); err != nil {
		return nil, err
	}
	invalid := func(field string, value any, want string) error {
		return backend.Invalid(typ, "init", field, value, want)
	}
	s := &format{
		headerSize:  int64(cmp.Or(cfg.HeaderSize, defaultHeaderSize)),
		mixed:       cfg.MixedHeaders,
		concurrency: cmp.Or(cfg.MetadataConcurrency, 32),
		keys:        codec.NewCache[*key](cmp.Or(cfg.CacheSize, defaultCacheSize) / 2),
		files:       codec.NewCache[codec.Known](cmp.Or(cfg.CacheSize, defaultCacheSize) / 2),
	}
	for i, entry := range cfg.Recipients {
		field := fmt.Sprintf("Recipients[%d]", i)
		if strings.Contains(strings.ToUpper(entry), "AGE-SECRET-KEY-") {
			return nil, invalid(field, scrub.Secret(len(entry)), "want a public key (age1…), and it is a secret one")
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
			return nil, invalid(fmt.Sprintf("Identities[%d]", i), scrub.Secret(len(entry)), "want a native identity of age (AGE-SECRET-KEY-1… or AGE-SECRET-KEY-PQ-1…)")
		}
		s.identities = append(s.identities, parsed...)
	}
	switch {
	case len(s.recipients)+len(s.identities) == 0:
		return nil, invalid("Recipients", cfg.Recipients, "want a recipient to write files, or Identities to read them, or both")
	case len(s.recipients) == 0:
		return s, nil
	}
	least, err := leastHeader(s.recipients)
	if err != nil {
		return nil, invalid("Recipients", cfg.Recipients, fmt.Sprintf("want all hybrid ones (age1pq1…) or none: %v", err))
	}
	if s.headerSize < least {
		return nil, invalid("HeaderSize", cfg.HeaderSize, fmt.Sprintf("want at least %d bytes for these Recipients", least))
	}
	return s, nil
}
