package gcs

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net/http"
	"reflect"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ltxstore/ltxstore/internal/testkit/gcsfake"
	"github.com/ltxstore/ltxstore/internal/testkit/golden"
)

const secret = "correct-horse-battery-staple-32b"

// No way of printing a Config or a client shows a secret, and no field that
// may be one is forgotten.
func TestSecrets(t *testing.T) {
	cfg := Config{Bucket: "bucket", CredentialsJSON: []byte(secret), SSECustomerKey: []byte(secret)}
	withPassword := cfg
	withPassword.Endpoint = "https://u:" + secret + "@h"
	for _, cfg := range []Config{cfg, withPassword} {
		c := NewReplicaClient(cfg)
		var log strings.Builder
		for _, h := range []slog.Handler{slog.NewJSONHandler(&log, nil), slog.NewTextHandler(&log, nil)} {
			slog.New(h).Info("x", "cfg", cfg, "pointer", &cfg, "client", c, "within", struct{ GCS Config }{cfg})
		}
		inJSON, err := json.Marshal(map[string]any{"cfg": cfg, "pointer": &cfg, "client": c})
		require.NoError(t, err)
		texts := []string{log.String(), string(inJSON), c.Init(t.Context()).Error()}
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q"} {
			for _, v := range []any{cfg, &cfg, c, []Config{cfg}, struct{ GCS Config }{cfg}, struct{ GCS *ReplicaClient }{c}} {
				texts = append(texts, fmt.Sprintf(verb, v))
			}
		}
		for _, text := range texts {
			noSecret(t, text, secret)
		}
	}
	for i := range reflect.TypeFor[Config]().NumField() {
		if field := reflect.TypeFor[Config]().Field(i); field.Type == reflect.TypeFor[[]byte]() {
			assert.Equal(t, "-", field.Tag.Get("json"), field.Name)
		}
	}
}

// noSecret asserts that text has none of the secrets in any form that fmt or
// JSON gives bytes.
func noSecret(t *testing.T, text string, secrets ...string) {
	t.Helper()
	for _, s := range secrets {
		for _, form := range []string{s, base64.StdEncoding.EncodeToString([]byte(s)), strings.Trim(fmt.Sprint([]byte(s)), "[]"), fmt.Sprintf("%x", s)} {
			assert.NotContains(t, text, form)
		}
	}
}

// Nothing that goes over the wire as a secret comes out in a log, at any
// level, or in an error: not the token, not the key that it is asked for
// with, not the customer's key, not the address of an upload.
func TestSecretsOfTheWire(t *testing.T) {
	content := serviceAccount(t, "https://token.example/token")
	var account struct {
		PrivateKey string `json:"private_key"`
	}
	require.NoError(t, json.Unmarshal(content, &account))
	privateKey := strings.Split(account.PrivateKey, "\n")[1]

	server := gcsfake.New(gcsfake.Options{Token: "sesame-token"}, "bucket")
	wire := &golden.Transport{Handler: server}
	broken := false
	next := roundTrip(func(req *http.Request) (*http.Response, error) {
		if broken && req.URL.Query().Has("upload_id") {
			return nil, errors.New("write tcp: broken pipe")
		}
		return wire.RoundTrip(req)
	})
	var log bytes.Buffer
	rt := &tokens{RoundTripper: next, token: "sesame-token"}
	c := NewReplicaClient(Config{Bucket: "bucket", CredentialsJSON: content, SSECustomerKey: []byte(secret), ChunkSize: testChunk,
		RoundTripper: rt, Logger: slog.New(slog.NewJSONHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))})
	var told []string
	failed := func(err error) {
		t.Helper()
		require.Error(t, err)
		told = append(told, fmt.Sprintf("%v %+v %#v", err, err, err))
	}
	large := func() io.Reader { return onlyRead{bytes.NewReader(ltxBody(t, 3*testChunk))} }
	works(t, c)
	_, err := c.WriteLTXFile(t.Context(), 0, 1, 1, io.MultiReader(large(), iotest.ErrReader(fs.ErrClosed)))
	failed(err)
	broken = true
	_, err = c.WriteLTXFile(t.Context(), 0, 1, 1, large())
	failed(err)
	broken = false
	rt.deny, rt.token = true, "other"
	c2 := NewReplicaClient(Config{Bucket: "bucket", CredentialsJSON: content, RoundTripper: rt, Logger: c.given().Logger})
	_, err = c2.OpenLTXFile(t.Context(), 0, 1, 1, 0, 0)
	failed(err)

	require.Contains(t, wire.Text(), "sesame-token")
	require.Contains(t, wire.Text(), "upload_id=session-")
	require.Contains(t, log.String(), "cannot be ended")
	for _, text := range append(told, log.String()) {
		noSecret(t, text, "sesame-token", secret, privateKey, "session-00", "assertion=")
	}
}

// roundTrip is a function as an http.RoundTripper.
type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(req *http.Request) (*http.Response, error) { return f(req) }
