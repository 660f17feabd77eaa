package config_test

import (
	"bytes"
	"encoding/gob"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v4"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/abs"
	"github.com/ltxstore/ltxstore/config"
	"github.com/ltxstore/ltxstore/file"
	"github.com/ltxstore/ltxstore/gcs"
	"github.com/ltxstore/ltxstore/internal/testkit/race"
	"github.com/ltxstore/ltxstore/mock"
	"github.com/ltxstore/ltxstore/nats"
	"github.com/ltxstore/ltxstore/oss"
	"github.com/ltxstore/ltxstore/s3"
	"github.com/ltxstore/ltxstore/sftp"
	"github.com/ltxstore/ltxstore/webdav"
	"github.com/ltxstore/ltxstore/wrap/cache"
	"github.com/ltxstore/ltxstore/wrap/checksum"
	"github.com/ltxstore/ltxstore/wrap/compress"
	"github.com/ltxstore/ltxstore/wrap/crypt"
	"github.com/ltxstore/ltxstore/wrap/metrics"
	"github.com/ltxstore/ltxstore/wrap/mirror"
	"github.com/ltxstore/ltxstore/wrap/readonly"
	"github.com/ltxstore/ltxstore/wrap/retry"
	"github.com/ltxstore/ltxstore/wrap/throttle"
	"github.com/ltxstore/ltxstore/wrap/trace"
)

const hush = "hush-0123456789abcdefghijklmnop-" // 32 bytes, and no age key

// ways are the ways in which a program shows a value.
func ways() map[string]func(v any) string {
	all := map[string]func(v any) string{
		"text log": func(v any) string {
			var b bytes.Buffer
			slog.New(slog.NewTextHandler(&b, nil)).Info("x", "v", v)
			return b.String()
		},
		"JSON log": func(v any) string {
			var b bytes.Buffer
			slog.New(slog.NewJSONHandler(&b, nil)).Info("x", slog.Group("g", "v", v))
			return b.String()
		},
		"JSON": func(v any) string { b, err := json.Marshal(v); return fmt.Sprint(string(b), err) },
		"XML":  func(v any) string { b, err := xml.Marshal(v); return fmt.Sprint(string(b), err) },
		"YAML": func(v any) string {
			defer func() { _ = recover() }() // of what it cannot encode
			b, err := yaml.Marshal(v)
			return fmt.Sprint(string(b), err)
		},
		"gob": func(v any) string {
			var b bytes.Buffer
			err := gob.NewEncoder(&b).Encode(v)
			return fmt.Sprint(b.String(), err)
		},
		"Println": func(v any) string { return fmt.Sprintln(v, "x") },
		"error":   func(v any) string { return fmt.Errorf("x: %v", v).Error() },
	}
	for _, verb := range strings.Fields("%v %+v %#v %s %q %+q %#q %d %x %X %o %b %c %e %g %t %U %T") {
		all[verb] = func(v any) string { return fmt.Sprintf(verb, v) }
	}
	return all
}

// holders are what a value may be in.
func holders[T any](v T) map[string]any {
	type inner struct{ V T }
	return map[string]any{
		"alone":     v,
		"pointer":   &v,
		"struct":    struct{ V T }{v},
		"pointers":  &struct{ V *T }{&v},
		"slice":     []T{v},
		"array":     [1]T{v},
		"map":       map[string]T{"v": v},
		"interface": struct{ V any }{v},
		"nested":    map[string][]struct{ In inner }{"v": {{In: inner{v}}}},
	}
}

// shows are the spellings of the secret that must not be seen: the bytes of it in
// decimal, as %d has them, in hexadecimal, in octal, and in base64.
func shows(text string) bool {
	var decimal, octal []string
	for _, c := range []byte(hush[:8]) {
		decimal, octal = append(decimal, fmt.Sprint(c)), append(octal, fmt.Sprintf("%o", c))
	}
	base64 := "aHVzaC0wMTIz"
	for _, spelling := range []string{hush[:8], fmt.Sprintf("%x", hush[:8]), fmt.Sprintf("%X", hush[:8]), strings.Join(decimal, " "),
		strings.Join(decimal, ", "), strings.Join(decimal, ","), strings.Join(octal, " "), base64} {
		if strings.Contains(text, spelling) {
			return true
		}
	}
	return false
}

func hides[T any](t *testing.T, v T) {
	t.Helper()
	hidesIn(t, v, holders(v))
}

// hidesAnywhere is hides, and in unexported fields, where fmt calls no methods.
func hidesAnywhere[T any](t *testing.T, v T) {
	t.Helper()
	hides(t, v)
	hidesIn(t, v, map[string]any{
		"hidden":            struct{ v T }{v},
		"hidden, pointer":   struct{ v *T }{&v},
		"hidden, slice":     struct{ v []T }{[]T{v}},
		"hidden, map":       struct{ v map[string]T }{map[string]T{"v": v}},
		"hidden, interface": struct{ v any }{v},
	})
}

func hidesIn(t *testing.T, v any, holders map[string]any) {
	t.Helper()
	runs := race.OneOf(3)
	for how, way := range ways() {
		for where, holder := range holders {
			if !runs() {
				continue
			}
			shown := way(holder)
			assert.False(t, shows(shown), "%T, %s, %s: %s", v, how, where, shown)
		}
	}
}

// No way of showing a configuration, or a client that has it, shows a secret.
func TestNothingShowsSecrets(t *testing.T) {
	assert.True(t, shows(fmt.Sprintf("%x", hush)) && shows(fmt.Sprintf("%d", []byte(hush))) && shows(fmt.Sprintf("%v", []string{hush})), "the test can fail")

	s3cfg := s3.Config{Bucket: "b", AccessKeyID: "k", SecretAccessKey: hush, SessionToken: hush, SSECustomerKey: []byte(hush), Endpoint: "https://me:" + hush + "@h"}
	gcscfg := gcs.Config{Bucket: "bucket", CredentialsJSON: []byte(hush), SSECustomerKey: []byte(hush), Endpoint: "https://me:" + hush + "@h"}
	cryptcfg := crypt.Config{Identities: []crypt.Identity{hush}}
	abscfg := abs.Config{Bucket: "bucket", Account: "a", AccountKey: hush, SASToken: hush, ConnectionString: hush, CustomerKey: []byte(hush), Endpoint: "https://me:" + hush + "@h"}
	osscfg := oss.Config{Bucket: "bucket", AccessKeyID: "k", SecretAccessKey: hush, SecurityToken: hush, Endpoint: "https://me:" + hush + "@h"}
	natscfg := nats.Config{Bucket: "b", URL: "nats://me:" + hush + "@h", Username: "u", Password: hush, Token: hush, JWT: hush, Seed: hush, NKey: "SU" + hush + strings.Repeat("A", 50)}
	sftpcfg := sftp.Config{Host: "h", User: "u", Password: hush, KeyPassphrase: hush}
	webdavcfg := webdav.Config{URL: "https://me:" + hush + "@h", Username: "u", Password: hush, BearerToken: hush}
	hides(t, s3cfg)
	hides(t, gcscfg)
	hides(t, abscfg)
	hides(t, osscfg)
	hides(t, natscfg)
	hides(t, sftpcfg)
	hides(t, webdavcfg)
	hides(t, cryptcfg)
	hides(t, file.Config{})
	hides(t, mock.Config{})

	clients := []ltxstore.ReplicaClient{s3.NewReplicaClient(s3cfg), gcs.NewReplicaClient(gcscfg), abs.NewReplicaClient(abscfg), oss.NewReplicaClient(osscfg),
		nats.NewReplicaClient(natscfg), sftp.NewReplicaClient(sftpcfg), webdav.NewReplicaClient(webdavcfg)}
	for _, client := range clients {
		hidesAnywhere(t, client)
		encrypted := crypt.New(client, cryptcfg)
		for _, wrapped := range []ltxstore.ReplicaClient{encrypted, cache.New(client, cache.Config{}), compress.New(encrypted, compress.Config{}),
			metrics.New(client, metrics.Config{}), mirror.New(client, mirror.Config{Others: clients}), readonly.New(client, readonly.Config{}),
			retry.New(client, retry.Config{}), throttle.New(client, throttle.Config{}), trace.New(client, trace.Config{}), checksum.New(client, checksum.Config{})} {
			hidesAnywhere(t, wrapped)
		}
		hidesAnywhere(t, mirror.Config{Others: clients})
	}

	given := map[string]string{"bucket": "b", "access-key-id": "k", "secret-access-key": hush, "mistyped": hush, "crypt.identities": hush,
		"endpoint": "https://me:" + hush + "@h", "mirror": "s3://b?secret-access-key=" + hush, "mirror.0.secret-access-key": hush, "path": "p"}
	src := ltxstore.Source{Type: "s3", Settings: given, Defaults: given, URL: "s3://k:" + hush + "@b/p?session-token=" + hush + "&mistyped=" + hush + "#" + hush}
	hides(t, src)
	assert.Contains(t, src.String(), `"path" "secret-access-key"`, "names alone")
	hides(t, ltxstore.Source{Type: "unknown", Settings: map[string]string{"anything": hush}})
	hides(t, ltxstore.Source{URL: "unknown://" + hush[:4] + ":" + hush + "@h", Settings: map[string]string{"anything": hush}})
	var none ltxstore.Source
	assert.Contains(t, fmt.Sprint(none), "ltxstore.Source{")

	text := "replica: {url: 's3://b?session-token=" + hush + "', access-key-id: k, secret-access-key: " + hush + ", mirror: ['s3://b?access-key-id=k&secret-access-key=" + hush + "']}"
	parsed, err := config.Parse([]byte(text), options())
	require.NoError(t, err)
	hidesAnywhere(t, parsed.Replicas[0])
	hidesAnywhere(t, *parsed)
	hidesAnywhere(t, config.Replica{})
	sub, err := parsed.Replicas[0].Sub("db")
	require.NoError(t, err)
	hidesAnywhere(t, sub)

	var daemon struct {
		Replica config.Section `yaml:"replica" json:"replica"`
	}
	require.NoError(t, yaml.Unmarshal([]byte(text), &daemon))
	hidesAnywhere(t, daemon)
	hidesAnywhere(t, daemon.Replica)
}
