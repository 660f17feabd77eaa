package nats

import (
	"cmp"
	"crypto/sha256"
	"crypto/tls"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nkeys"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/internal/scrub"
)

func (cfg Config) servers() []string {
	servers := strings.Split(cmp.Or(cfg.URL, defaultURL), ",")
	for i := range servers {
		servers[i] = strings.TrimSpace(servers[i])
	}
	return servers
}

// isSeed reports whether an NKey is a seed and not the name of a file.
func isSeed(nkey string) bool {
	return strings.HasPrefix(nkey, "SU") && len(nkey) > 50 && !strings.ContainsAny(nkey, "/.")
}

// keyPair returns the key pair of the seed in cfg, or nil if there is none.
func (cfg Config) keyPair() (pair nkeys.KeyPair, public string, err error) {
	field, seed := "Seed", cfg.Seed
	if isSeed(cfg.NKey) {
		field, seed = "NKey", cfg.NKey
	}
	if seed == "" {
		return nil, "", nil
	}
	if pair, err = nkeys.FromSeed([]byte(seed)); err == nil {
		public, err = pair.PublicKey()
	}
	switch {
	case err != nil || !nkeys.IsValidPublicUserKey(public):
		return nil, "", invalid(field, scrub.Secret(1), "want the seed of a user, SU…")
	case nkeys.IsValidPublicUserKey(cfg.NKey) && public != cfg.NKey:
		return nil, "", invalid(field, scrub.Secret(1), "want the seed of NKey's public key")
	}
	return pair, public, nil
}

// options returns the options for connecting. It reads the files that cfg names.
func (cfg Config) options(secrets *scrub.Secrets) (nats.Options, error) {
	o := nats.GetDefaultOptions()
	o.Name = "ltxstore"
	o.Servers = cfg.servers()
	o.MaxReconnect = cmp.Or(cfg.MaxReconnects, -1)
	o.ReconnectWait = cfg.ReconnectWait
	o.Timeout, o.FlusherTimeout = cfg.Timeout, cfg.IdleTimeout
	o.User, o.Password, o.Token = cfg.Username, cfg.Password, cfg.Token
	o.Secure = cfg.TLS
	if cfg.InsecureSkipVerify {
		o.Secure, o.TLSConfig = true, &tls.Config{InsecureSkipVerify: true, MinVersion: tls.VersionTLS12}
	}
	pair, public, err := cfg.keyPair()
	use := func(field string, value any, want string, option nats.Option) {
		if err != nil {
			return
		}
		if bad := option(&o); bad != nil {
			err = invalid(field, value, "want "+want+": "+bad.Error())
		}
	}
	switch {
	case cfg.Creds != "":
		use("Creds", cfg.Creds, "a file with a user's JWT and seed", signing(nats.UserCredentials(cfg.Creds), secrets))
	case cfg.JWT != "":
		use("JWT", scrub.Secret(1), "a user's JWT", signing(nats.UserJWTAndSeed(cfg.JWT, cfg.Seed), secrets))
	case pair != nil:
		use("NKey", scrub.Secret(1), "a user's seed", nats.Nkey(public, pair.Sign))
	case cfg.NKey != "":
		// It may be a mistyped seed, so the error does not show it.
		use("NKey", scrub.Secret(1), "a seed, a public key, or the name of a file with a seed", func(o *nats.Options) error {
			option, err := nats.NkeyOptionFromSeed(cfg.NKey)
			if err == nil {
				err = option(o)
			}
			if unread := new(fs.PathError); errors.As(err, &unread) {
				return unread.Err
			}
			return err
		})
	}
	if len(cfg.RootCAs) > 0 {
		use("RootCAs", cfg.RootCAs, "files with PEM certificates", nats.RootCAs(cfg.RootCAs...))
	}
	if cfg.ClientCert != "" {
		use("ClientCert", cfg.ClientCert, "files with a certificate and its key", nats.ClientCert(cfg.ClientCert, cfg.ClientKey))
	}
	return o, err
}

// way returns the same value for configurations that connect in the same way to the same
// bucket: what they say, except about the replica in it, and what is in their files.
func (cfg Config) way() [sha256.Size]byte {
	cfg.Path, cfg.Layout, cfg.WriteOnce, cfg.Retry, cfg.Logger = "", 0, false, ltxstore.Retry{}, nil
	type plain Config // shows secrets
	text := fmt.Appendf(nil, "%#v", plain(cfg))
	for _, name := range slices.Concat(cfg.RootCAs, []string{cfg.ClientCert, cfg.ClientKey, cfg.Creds, cfg.NKey}) {
		content, err := os.ReadFile(name)
		text = fmt.Appendf(text, "%q %v", content, err)
	}
	return sha256.Sum256(text)
}

// signing returns option with a check: it fails immediately if the files are invalid.
// The JWT, which is read again for each connection, is added to secrets.
func signing(option nats.Option, secrets *scrub.Secrets) nats.Option {
	return func(o *nats.Options) error {
		err := option(o)
		if read := o.UserJWT; err == nil {
			o.UserJWT = func() (string, error) {
				token, err := read()
				secrets.AddToken(token)
				return token, err
			}
			_, err = o.UserJWT()
		}
		if err == nil {
			_, err = o.SignatureCB([]byte("nonce"))
		}
		return err
	}
}
