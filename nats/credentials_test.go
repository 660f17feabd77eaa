package nats_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"io/fs"
	"log/slog"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/jwt/v2"
	"github.com/nats-io/nats-server/v2/server"
	natsio "github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/nats-io/nkeys"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/nats"
)

// secured starts a server with a bucket, which admin's options let in, and
// returns the configuration of a replica there without credentials.
func secured(t *testing.T, change func(*server.Options), admin ...natsio.Option) nats.Config {
	t.Helper()
	s := start(t, func(o *server.Options) {
		o.Username, o.Password = "", ""
		change(o)
	})
	nc, err := natsio.Connect(s.ClientURL(), admin...)
	require.NoError(t, err)
	defer nc.Close()
	js, err := jetstream.New(nc)
	require.NoError(t, err)
	_, err = js.CreateObjectStore(t.Context(), jetstream.ObjectStoreConfig{Bucket: "bucket"})
	require.NoError(t, err)
	return nats.Config{URL: s.ClientURL(), Bucket: "bucket", Retry: ltxstore.Retry{MaxAttempts: 1}, Logger: slog.New(slog.DiscardHandler)}
}

// admitted requires that each configuration can write, and read what it wrote.
func admitted(t *testing.T, cfg nats.Config, changes map[string]func(*nats.Config)) {
	t.Helper()
	for name, change := range changes {
		t.Run(name, func(t *testing.T) {
			cfg := cfg
			change(&cfg)
			c := nats.NewReplicaClient(cfg)
			defer c.Close()
			content := body(t, 1, 1)
			write(t, c, 1, content)
			assert.Equal(t, content, read(t, c, 1, 0, 0))
		})
	}
}

// refused requires that none of the configurations is let in, that the error is
// of this kind, and that it shows none of the secrets.
func refused(t *testing.T, cfg nats.Config, kind error, changes map[string]func(*nats.Config), secrets ...string) {
	t.Helper()
	for name, change := range changes {
		t.Run("not "+name, func(t *testing.T) {
			cfg := cfg
			change(&cfg)
			c := nats.NewReplicaClient(cfg)
			defer c.Close()
			_, err := c.OpenLTXFile(t.Context(), 0, 1, 1, 0, 0)
			require.Error(t, err)
			if kind != nil {
				require.ErrorIs(t, err, kind)
			}
			require.NotErrorIs(t, err, fs.ErrNotExist)
			assert.False(t, ltxstore.IsRetryable(err), err)
			for _, secret := range secrets {
				assert.NotContains(t, err.Error(), secret)
			}
		})
	}
}

func anonymous(*nats.Config) {}

func TestUserAndPassword(t *testing.T) {
	cfg := secured(t, func(o *server.Options) { o.Username, o.Password = user, password }, natsio.UserInfo(user, password))
	admitted(t, cfg, map[string]func(*nats.Config){
		"a password": func(c *nats.Config) { c.Username, c.Password = user, password },
	})
	refused(t, cfg, fs.ErrPermission, map[string]func(*nats.Config){
		"without one":      anonymous,
		"another password": func(c *nats.Config) { c.Username, c.Password = user, "wrong-"+password },
	}, password)
}

func TestToken(t *testing.T) {
	const token = "token-93b1f0"
	cfg := secured(t, func(o *server.Options) { o.Authorization = token }, natsio.Token(token))
	admitted(t, cfg, map[string]func(*nats.Config){"a token": func(c *nats.Config) { c.Token = token }})
	refused(t, cfg, fs.ErrPermission, map[string]func(*nats.Config){
		"without one":   anonymous,
		"another token": func(c *nats.Config) { c.Token = "other-" + token },
	}, token)
}

// key returns a new pair's public key and its seed or private key.
func key(t *testing.T, create func() (nkeys.KeyPair, error)) (pair nkeys.KeyPair, public, seed string) {
	t.Helper()
	pair, err := create()
	require.NoError(t, err)
	public, err = pair.PublicKey()
	require.NoError(t, err)
	secret, err := pair.Seed()
	require.NoError(t, err)
	return pair, public, string(secret)
}

// file writes a file and returns its name.
func file(t *testing.T, name, content string) string {
	t.Helper()
	at := filepath.Join(t.TempDir(), name)
	require.NoError(t, os.WriteFile(at, []byte(content), 0o600))
	return at
}

func TestNKey(t *testing.T) {
	pair, public, seed := key(t, nkeys.CreateUser)
	_, _, other := key(t, nkeys.CreateUser)
	cfg := secured(t, func(o *server.Options) { o.Nkeys = []*server.NkeyUser{{Nkey: public}} }, natsio.Nkey(public, pair.Sign))
	admitted(t, cfg, map[string]func(*nats.Config){
		"a seed":                    func(c *nats.Config) { c.NKey = seed },
		"a file of a seed":          func(c *nats.Config) { c.NKey = file(t, "user.nk", seed+"\n") },
		"a public key and its seed": func(c *nats.Config) { c.NKey, c.Seed = public, seed },
	})
	refused(t, cfg, fs.ErrPermission, map[string]func(*nats.Config){
		"without one":       anonymous,
		"the seed of other": func(c *nats.Config) { c.NKey = other },
	}, seed, other)
	refused(t, cfg, fs.ErrInvalid, map[string]func(*nats.Config){
		"a file that is missing":          func(c *nats.Config) { c.NKey = filepath.Join(t.TempDir(), "none.nk") },
		"a file without a seed":           func(c *nats.Config) { c.NKey = file(t, "user.nk", "no seed\n") },
		"a public key without its seed":   func(c *nats.Config) { c.NKey = public },
		"a public key with another seed":  func(c *nats.Config) { c.NKey, c.Seed = public, other },
		"a seed that was cut":             func(c *nats.Config) { c.NKey = seed[:len(seed)-1] },
		"a seed beside a user's password": func(c *nats.Config) { c.NKey, c.Username, c.Password = seed, "u", "p" },
	}, seed, other)
}

func TestJWT(t *testing.T) {
	operator, operatorKey, _ := key(t, nkeys.CreateOperator)
	claims := jwt.NewOperatorClaims(operatorKey)
	resolver := &server.MemAccResolver{}
	account := func(name string) (nkeys.KeyPair, string) {
		pair, public, _ := key(t, nkeys.CreateAccount)
		claims := jwt.NewAccountClaims(public)
		claims.Name = name
		if name != "system" {
			claims.Limits.JetStreamLimits = jwt.JetStreamLimits{MemoryStorage: -1, DiskStorage: -1, Streams: -1, Consumer: -1}
		}
		token, err := claims.Encode(operator)
		require.NoError(t, err)
		require.NoError(t, resolver.Store(public, token))
		return pair, public
	}
	_, system := account("system")
	replicas, _ := account("replicas")
	stranger, _, accountSeed := key(t, nkeys.CreateAccount)
	issue := func(account nkeys.KeyPair, expires time.Time) (token, seed string) {
		_, public, seed := key(t, nkeys.CreateUser)
		claims := jwt.NewUserClaims(public)
		if !expires.IsZero() {
			claims.Expires = expires.Unix()
		}
		token, err := claims.Encode(account)
		require.NoError(t, err)
		return token, seed
	}
	credentials := func(token, seed string) string {
		return file(t, "user.creds", "-----BEGIN NATS USER JWT-----\n"+token+"\n------END NATS USER JWT------\n\n"+
			"-----BEGIN USER NKEY SEED-----\n"+seed+"\n------END USER NKEY SEED------\n")
	}
	token, seed := issue(replicas, time.Time{})
	foreign, foreignSeed := issue(stranger, time.Time{})
	old, oldSeed := issue(replicas, time.Now().Add(-time.Hour))
	cfg := secured(t, func(o *server.Options) {
		o.TrustedOperators, o.AccountResolver, o.SystemAccount = []*jwt.OperatorClaims{claims}, resolver, system
	}, natsio.UserJWTAndSeed(token, seed))
	admitted(t, cfg, map[string]func(*nats.Config){
		"a JWT and its seed":    func(c *nats.Config) { c.JWT, c.Seed = token, seed },
		"a file of credentials": func(c *nats.Config) { c.Creds = credentials(token, seed) },
	})
	refused(t, cfg, fs.ErrPermission, map[string]func(*nats.Config){
		"without one":           anonymous,
		"of another account":    func(c *nats.Config) { c.JWT, c.Seed = foreign, foreignSeed },
		"with another's seed":   func(c *nats.Config) { c.Creds = credentials(token, foreignSeed) },
		"after it has expired":  func(c *nats.Config) { c.JWT, c.Seed = old, oldSeed },
		"from a file of an old": func(c *nats.Config) { c.Creds = credentials(old, oldSeed) },
	}, seed, foreignSeed, oldSeed, token)
	refused(t, cfg, fs.ErrInvalid, map[string]func(*nats.Config){
		"an account's seed":      func(c *nats.Config) { c.JWT, c.Seed = token, accountSeed },
		"a JWT without its seed": func(c *nats.Config) { c.JWT = token },
		"a file that is missing": func(c *nats.Config) { c.Creds = filepath.Join(t.TempDir(), "none.creds") },
		"a file without a JWT":   func(c *nats.Config) { c.Creds = file(t, "user.creds", "no credentials\n") },
	}, seed, token, accountSeed)
}

// authority signs certificates.
type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	file string // of its certificate
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	a := &authority{}
	a.cert, a.key, a.file, _ = a.sign(t, &x509.Certificate{IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign})
	return a
}

// sign returns a certificate and its key, and the files of both; its own
// authority's if that has none yet.
func (a *authority) sign(t *testing.T, template *x509.Certificate) (*x509.Certificate, *ecdsa.PrivateKey, string, string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template.SerialNumber = big.NewInt(time.Now().UnixNano())
	template.Subject = pkix.Name{CommonName: "test"}
	template.NotBefore, template.NotAfter = time.Now().Add(-time.Hour), time.Now().Add(time.Hour)
	parent, signer := a.cert, a.key
	if parent == nil {
		parent, signer = template, private
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, &private.PublicKey, signer)
	require.NoError(t, err)
	cert, err := x509.ParseCertificate(der)
	require.NoError(t, err)
	secret, err := x509.MarshalPKCS8PrivateKey(private)
	require.NoError(t, err)
	return cert, private,
		file(t, "cert.pem", string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))),
		file(t, "key.pem", string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret})))
}

func (a *authority) server(t *testing.T) (config *tls.Config) {
	t.Helper()
	_, _, cert, key := a.sign(t, &x509.Certificate{IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}})
	pair, err := tls.LoadX509KeyPair(cert, key)
	require.NoError(t, err)
	return &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12}
}

func (a *authority) client(t *testing.T) (cert, key string) {
	t.Helper()
	_, _, cert, key = a.sign(t, &x509.Certificate{ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}})
	return cert, key
}

func TestTLS(t *testing.T) {
	ours, theirs := newAuthority(t), newAuthority(t)
	cfg := secured(t, func(o *server.Options) { o.TLSConfig, o.TLSTimeout = ours.server(t), 10 }, natsio.RootCAs(ours.file))
	scheme := func(scheme string) func(*nats.Config) {
		return func(c *nats.Config) {
			c.URL, c.RootCAs = scheme+strings.TrimPrefix(strings.TrimPrefix(c.URL, "nats"), "tls"), []string{ours.file}
		}
	}
	admitted(t, cfg, map[string]func(*nats.Config){
		"its authority":           scheme("nats"),
		"its authority, tls://":   scheme("tls"),
		"its authority, required": func(c *nats.Config) { scheme("nats")(c); c.TLS = true },
		"one of two authorities":  func(c *nats.Config) { c.RootCAs = []string{theirs.file, ours.file} },
		"any certificate":         func(c *nats.Config) { c.InsecureSkipVerify = true },
	})
	refused(t, cfg, nil, map[string]func(*nats.Config){
		"the system's authorities": anonymous,
		"another authority":        func(c *nats.Config) { c.RootCAs = []string{theirs.file} },
	})
	refused(t, cfg, fs.ErrInvalid, map[string]func(*nats.Config){
		"a file without a certificate": func(c *nats.Config) { c.RootCAs = []string{file(t, "ca.pem", "no PEM")} },
		"a file that is missing":       func(c *nats.Config) { c.RootCAs = []string{filepath.Join(t.TempDir(), "ca.pem")} },
		"both at once":                 func(c *nats.Config) { c.RootCAs, c.InsecureSkipVerify = []string{ours.file}, true },
	})
}

func TestTLSClientCertificate(t *testing.T) {
	ours, theirs := newAuthority(t), newAuthority(t)
	pool := x509.NewCertPool()
	pool.AddCert(ours.cert)
	cert, key := ours.client(t)
	otherCert, otherKey := theirs.client(t)
	cfg := secured(t, func(o *server.Options) {
		o.TLSConfig, o.TLSVerify, o.TLSTimeout = ours.server(t), true, 10
		o.TLSConfig.ClientAuth, o.TLSConfig.ClientCAs = tls.RequireAndVerifyClientCert, pool
	}, natsio.RootCAs(ours.file), natsio.ClientCert(cert, key))
	cfg.RootCAs = []string{ours.file}
	admitted(t, cfg, map[string]func(*nats.Config){"its certificate": func(c *nats.Config) { c.ClientCert, c.ClientKey = cert, key }})
	for name, change := range map[string]func(*nats.Config){
		"without one":         anonymous,
		"another authority's": func(c *nats.Config) { c.ClientCert, c.ClientKey = otherCert, otherKey },
	} {
		cfg := cfg
		change(&cfg)
		// The server breaks the connection: it may as well be restarting.
		_, err := nats.NewReplicaClient(cfg).OpenLTXFile(t.Context(), 0, 1, 1, 0, 0)
		require.ErrorIs(t, err, ltxstore.ErrUnavailable, name)
		assert.ErrorContains(t, err, "perhaps because it does not accept the client's certificate", name)
	}
	refused(t, cfg, fs.ErrInvalid, map[string]func(*nats.Config){
		"a certificate without its key":    func(c *nats.Config) { c.ClientCert = cert },
		"a key without its certificate":    func(c *nats.Config) { c.ClientKey = key },
		"a certificate with another's key": func(c *nats.Config) { c.ClientCert, c.ClientKey = cert, otherKey },
	})
}

// A server without TLS is not spoken to where TLS is required.
func TestTLSRequired(t *testing.T) {
	cfg := secured(t, func(*server.Options) {})
	admitted(t, cfg, map[string]func(*nats.Config){"without TLS": anonymous})
	refused(t, cfg, nil, map[string]func(*nats.Config){
		"with TLS":   func(c *nats.Config) { c.TLS = true },
		"with tls:/": func(c *nats.Config) { c.URL = strings.Replace(c.URL, "nats://", "tls://", 1) },
	})
}
