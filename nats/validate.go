package nats

import (
	"net/url"
	"slices"
	"strings"

	"github.com/nats-io/nkeys"

	"github.com/ltxstore/ltxstore/backend"
	"github.com/ltxstore/ltxstore/backend/settings"
	"github.com/ltxstore/ltxstore/backend/transport"
	"github.com/ltxstore/ltxstore/internal/scrub"
)

func invalid(field string, value any, want string) error {
	return backend.Invalid(typeName, "init", field, value, want)
}

// refuse is invalid for what another package has found.
func refuse(field string, err error) error { return backend.Refused(typeName, "init", field, err) }

// validate returns an error of kind fs.ErrInvalid that names the first bad
// field. It looks at no file and sends nothing.
func (cfg Config) validate() error {
	if err := settings.Validate(typeName, cfg); err != nil {
		return err
	}
	for _, check := range []func() error{cfg.validatePlace, cfg.validateCredentials} {
		if err := check(); err != nil {
			return err
		}
	}
	if (cfg.ClientCert == "") != (cfg.ClientKey == "") {
		return invalid("ClientKey", cfg.ClientKey, "want ClientCert and ClientKey, or neither")
	}
	return nil
}

func (cfg Config) validatePlace() error {
	if cfg.Bucket == "" {
		return invalid("Bucket", cfg.Bucket, "want the object store's name")
	}
	for server := range strings.SplitSeq(cfg.URL, ",") {
		u, err := url.Parse(strings.TrimSpace(server))
		switch {
		case cfg.URL == "":
		case err != nil && strings.Contains(server, "@"), err == nil && u.User != nil:
			return invalid("URL", scrub.Secret(len(server)), "want no user in it: Username and Password are fields of their own")
		case err != nil, u.Host == "", !slices.Contains([]string{"nats", "tls", "ws", "wss"}, u.Scheme), strings.Trim(u.Path, "/") != "", u.RawQuery != "":
			return invalid("URL", server, "want nats://HOST:PORT or tls://HOST:PORT; the bucket belongs into Bucket")
		}
	}
	return nil
}

// isSeed reports whether an NKey is a seed itself, and not the name of a file.
func isSeed(nkey string) bool {
	return strings.HasPrefix(nkey, "SU") && len(nkey) > 50 && !strings.ContainsAny(nkey, "/.")
}

func (cfg Config) validateCredentials() error {
	public := nkeys.IsValidPublicUserKey(cfg.NKey)
	ways := map[string]bool{
		"Username": cfg.Username != "", "Token": cfg.Token != "", "JWT": cfg.JWT != "", "Creds": cfg.Creds != "", "NKey": cfg.NKey != "",
	}
	var given []string
	for _, name := range []string{"Username", "Token", "JWT", "Creds", "NKey"} {
		if ways[name] {
			given = append(given, name)
		}
	}
	switch {
	case len(given) > 1:
		return invalid(given[1], scrub.Secret(1), "want it, or "+given[0]+", not both")
	case cfg.Password != "" && cfg.Username == "":
		return invalid("Username", cfg.Username, "want the user that Password is of")
	case cfg.JWT != "" && cfg.Seed == "":
		return invalid("Seed", scrub.Secret(0), "want the private key that JWT is of")
	case public && cfg.Seed == "":
		return invalid("Seed", scrub.Secret(0), "want the private key that NKey is of")
	case cfg.Seed != "" && cfg.JWT == "" && !public:
		return invalid("Seed", scrub.Secret(1), "want it empty without JWT or a public NKey")
	}
	seeds := map[string]string{"Seed": cfg.Seed}
	if isSeed(cfg.NKey) {
		seeds["NKey"] = cfg.NKey
	}
	for field, seed := range seeds {
		if seed == "" {
			continue
		}
		pair, err := nkeys.FromSeed([]byte(seed))
		if err == nil {
			_, err = pair.PublicKey()
		}
		if err != nil {
			return invalid(field, scrub.Secret(1), "want the seed of a user, SU…")
		}
		if key, _ := pair.PublicKey(); public && key != cfg.NKey {
			return invalid(field, scrub.Secret(1), "want the seed of NKey's public key")
		}
	}
	return nil
}

// load reads the files that cfg names, to tell a bad one at Init.
func (cfg Config) load() error {
	for _, file := range cfg.RootCAs {
		if _, err := transport.Pool(file); err != nil {
			return invalid("RootCAs", file, "want a file of PEM certificates: "+err.Error())
		}
	}
	return nil
}
