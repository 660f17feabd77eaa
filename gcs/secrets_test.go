package gcs

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"io"
	"io/fs"
	"log/slog"
	"net/http"
	"net/url"
	"reflect"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/backend/object"
	"github.com/ltxstore/ltxstore/backend/transport"
	"github.com/ltxstore/ltxstore/internal/scrub"
	"github.com/ltxstore/ltxstore/internal/testkit/gcsfake"
	"github.com/ltxstore/ltxstore/internal/testkit/golden"
	"github.com/ltxstore/ltxstore/internal/testkit/httpfault"
	"github.com/ltxstore/ltxstore/internal/testkit/race"
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
	c := NewReplicaClient(Config{Bucket: "bucket", CredentialsJSON: content, SSECustomerKey: []byte(secret), Transfer: object.Options{PartSize: testChunk},
		HTTP: transport.Options{RoundTripper: rt}, Logger: slog.New(slog.NewJSONHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))})
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
	c2 := NewReplicaClient(Config{Bucket: "bucket", CredentialsJSON: content, HTTP: transport.Options{RoundTripper: rt}, Logger: c.given().Logger})
	_, err = c2.OpenLTXFile(t.Context(), 0, 1, 1, 0, 0)
	failed(err)

	require.Contains(t, wire.Text(), "sesame-token")
	require.Contains(t, wire.Text(), "upload_id=session-")
	require.Contains(t, log.String(), "not cancelled")
	for _, text := range append(told, log.String()) {
		noSecret(t, text, "sesame-token", secret, privateKey, "session-00", "assertion=")
	}
}

// echoes are ways in which a service or a proxy may answer with what it was
// sent: the headers of a request, or any other secret.
var echoes = map[string]func(secret string) (contentType, body string){
	"text": func(s string) (string, string) { return "text/plain", "you sent " + s },
	"page": func(s string) (string, string) {
		return "text/html", "<pre>x-forwarded: " + html.EscapeString(s) + "</pre>"
	},
	"long":   func(s string) (string, string) { return "text/plain", strings.Repeat("x", maxPage-12) + s },
	"longer": func(s string) (string, string) { return "text/plain", strings.Repeat("x", 90) + s },
	"JSON": func(s string) (string, string) {
		quoted, _ := json.Marshal(s)
		return "application/json", `{"error":{"code":400,"message":` + string(quoted) + `,"errors":[{"reason":"invalid","message":` + string(quoted) + `}]}}`
	},
	"object": func(s string) (string, string) {
		quoted, _ := json.Marshal(s)
		return "application/json", `{"kind":` + string(quoted) + `,"name":` + string(quoted) + `}`
	},
	"other object": func(s string) (string, string) {
		quoted, _ := json.Marshal(strings.Repeat("x", 95) + s)
		return "application/json", `{"kind":"storage#object","size":"300","name":` + string(quoted) + `}`
	},
	"listing": func(s string) (string, string) {
		quoted, _ := json.Marshal(strings.Repeat("x", 95) + s)
		return "application/json", `{"kind":"storage#objects","nextPageToken":` + string(quoted) + `,"items":[{"name":"db/ltx/0000/x","size":"1"}]}`
	},
	"base64":  func(s string) (string, string) { return "text/plain", base64.StdEncoding.EncodeToString([]byte(s)) },
	"hex":     func(s string) (string, string) { return "text/plain", hex.EncodeToString([]byte(s)) },
	"escaped": func(s string) (string, string) { return "text/plain", "https%3A%2F%2Fh%2F%3Fx%3D" + url.QueryEscape(s) },
}

// What a server sends back of a request's secrets, in whatever form and in
// answer to whatever, is in no error and in no log.
func TestSecretsEchoed(t *testing.T) {
	const token = "ya29.a0AfB/sesame+token=="
	content, runs := serviceAccount(t, "https://token.example/token"), race.OneOf(4)
	for what, op := range operations {
		var log bytes.Buffer
		b := newBench(t, gcsfake.Options{}, nil)
		b.ReplicaClient = b.client(t, func(cfg *Config) {
			cfg.CredentialsJSON = content
			cfg.HTTP.RoundTripper = &tokens{RoundTripper: http.DefaultTransport, token: token}
			cfg.Logger = slog.New(slog.NewJSONHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
		})
		for form, echo := range echoes {
			for _, status := range []int{200, 400, 403, 404, 416, 503} {
				if !runs() {
					continue
				}
				log.Reset()
				b.server.Put("bucket", testKey, ltxBody(t, 1000))
				b.faults.Clear()
				b.fail(op.request, -1, func(_ httpfault.Exchange, w http.ResponseWriter, r *http.Request) {
					_, _ = io.Copy(io.Discard, r.Body)
					assert.Equal(t, "Bearer "+token, r.Header.Get("Authorization"))
					contentType, body := echo(token)
					w.Header().Set("Content-Type", contentType)
					w.Header().Set("Content-Range", "bytes "+token)
					w.Header().Set("Range", "bytes "+token)
					w.Header().Set("Location", "https://"+url.PathEscape(token)+"/?upload_id="+url.QueryEscape(token))
					w.Header().Set("X-Goog-Hash", "crc32c=AAAAAA==")
					w.Header().Set("X-Http-Status-Code-Override", "308")
					w.WriteHeader(status)
					_, _ = io.WriteString(w, body)
				})
				err := op.do(t, b)
				if err == nil {
					assert.Equal(t, 200, status) // a body may be anything
					continue
				}
				for _, text := range []string{err.Error(), fmt.Sprintf("%+v %#v", err, err), log.String()} {
					for _, half := range []string{"sesame", "a0AfB", hex.EncodeToString([]byte("sesame")), "eWEyOS5hMEFmQi9zZXNhbW"} {
						require.NotContains(t, text, half, "%s %s %d", form, what, status)
					}
				}
			}
		}
	}
}

// Nor is the customer's key, the address of an upload, or what a token is asked
// for with, of the service that gives tokens.
func TestSecretsEchoedOfOtherKinds(t *testing.T) {
	content := serviceAccount(t, "https://token.example/token")
	var account struct {
		PrivateKey string `json:"private_key"`
	}
	require.NoError(t, json.Unmarshal(content, &account))
	line := strings.Split(account.PrivateKey, "\n")[3]
	var assertion, session string
	key := []byte("correct/horse+battery-staple_32b")
	server := &golden.Transport{Handler: gcsfake.New(gcsfake.Options{}, "bucket")}
	deny := false
	var log bytes.Buffer
	c := NewReplicaClient(Config{Bucket: "bucket", CredentialsJSON: content, SSECustomerKey: key, Transfer: object.Options{PartSize: testChunk},
		Retry:  ltxstore.Retry{MaxAttempts: 1},
		Logger: slog.New(slog.NewJSONHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug})),
		HTTP: transport.Options{RoundTripper: &tokens{RoundTripper: roundTrip(func(req *http.Request) (*http.Response, error) {
			if id := req.URL.Query().Get("upload_id"); id != "" {
				session = id
				return answering(400, nil, "the upload "+id+" has failed")(req)
			}
			if sent := req.Header.Get("X-Goog-Encryption-Key"); sent != "" && deny {
				return answering(400, nil, "bad key "+sent+", "+string(key)+", "+line)(req)
			}
			return server.RoundTrip(req)
		})}}})
	_, err := c.WriteLTXFile(t.Context(), 0, 1, 1, onlyRead{bytes.NewReader(ltxBody(t, 3*testChunk))})
	require.Error(t, err)
	deny = true
	_, err2 := c.OpenLTXFile(t.Context(), 0, 1, 1, 0, 0)
	require.ErrorContains(t, err2, "bad key")
	require.NotEmpty(t, session)

	refusing := roundTrip(func(req *http.Request) (*http.Response, error) {
		require.NoError(t, req.ParseForm())
		assertion = req.PostForm.Get("assertion")
		return answering(400, nil, "invalid grant: "+assertion)(req)
	})
	_, err3 := NewReplicaClient(Config{Bucket: "bucket", CredentialsJSON: content, HTTP: transport.Options{RoundTripper: refusing}, Logger: c.given().Logger}).OpenLTXFile(t.Context(), 0, 1, 1, 0, 0)
	require.ErrorContains(t, err3, "invalid grant")
	require.NotEmpty(t, assertion)

	// A user's credentials have secrets of other names.
	user := `{"type":"authorized_user","client_id":"id","client_secret":"the-client-secret","refresh_token":"the-refresh-token","token_uri":"https://token.example"}`
	echoing := roundTrip(func(req *http.Request) (*http.Response, error) {
		body, _ := io.ReadAll(req.Body)
		return answering(400, nil, "sent: "+string(body)+" "+hex.EncodeToString([]byte("the-client-secret"))+" the-refresh-token")(req)
	})
	_, err4 := NewReplicaClient(Config{Bucket: "bucket", CredentialsJSON: []byte(user), HTTP: transport.Options{RoundTripper: echoing}, Logger: c.given().Logger}).OpenLTXFile(t.Context(), 0, 1, 1, 0, 0)
	require.ErrorContains(t, err4, "sent: ")
	for _, text := range []string{err.Error(), err2.Error(), err3.Error(), err4.Error(), log.String()} {
		noSecret(t, text, string(key), line, session, assertion, "the-client-secret", "the-refresh-token")
	}
}

// roundTrip is a function as an http.RoundTripper.
type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(req *http.Request) (*http.Response, error) { return f(req) }

// What a request asks for a token with is a secret, and no other request's body is looked at.
func TestWitness(t *testing.T) {
	const form, secret = "application/x-www-form-urlencoded", "assertion-of-the-test"
	for _, tt := range []struct {
		contentType string
		again, seen bool
	}{{form, true, true}, {form + "; charset=utf-8", true, true}, {form, false, false}, {"application/json", true, false}} {
		w := &witness{RoundTripper: roundTrip(answering(200, nil, "")), secrets: new(scrub.Secrets)}
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://h/", strings.NewReader("assertion="+secret))
		require.NoError(t, err)
		req.Header.Set("Content-Type", tt.contentType)
		if !tt.again {
			req.GetBody = nil
		}
		_, err = w.RoundTrip(req)
		require.NoError(t, err)
		assert.Equal(t, tt.seen, !strings.Contains(w.secrets.Text(secret), secret), tt)
	}
}
