package s3

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ltxstore/ltxstore"
)

// answering returns a handler that gives every request the same answer.
func answering(status int, header http.Header, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		for name, values := range header {
			w.Header()[name] = values
		}
		w.WriteHeader(status)
		if r.Method != http.MethodHead {
			_, _ = io.WriteString(w, body)
		}
	}
}

// An error says what is wrong, in the service's words, and then where.
func TestErrorTexts(t *testing.T) {
	id := http.Header{"X-Amz-Request-Id": {"R17"}, "X-Amz-Id-2": {strings.Repeat("h", 150)}}
	for _, test := range []struct {
		operation string
		answer    http.HandlerFunc
		want      string
	}{
		{"get", answering(404, id, xmlError("NoSuchKey")),
			`s3: open db/x: file does not exist: NoSuchKey: said the service (bucket "bucket" at URL; GetObject returned 404, request ID R17)`},
		{"head", answering(403, nil, ""), `s3: open db/x: permission denied: Forbidden (bucket "bucket" at URL; HeadObject returned 403)`},
		{"list", answering(404, nil, "404 page not found"),
			`s3: open db/x: unexpected response, perhaps from a proxy: a 404 without an error code of S3 (bucket "bucket" at URL; ListObjectsV2 returned 404)`},
		{"put", answering(502, nil, htmlError), `s3: open db/x: store unavailable: Bad Gateway (bucket "bucket" at URL; PutObject returned 502)`},
		{"put", answering(400, nil, ""), `s3: open db/x: Bad Request (bucket "bucket" at URL; PutObject returned 400)`},
	} {
		r := replicaAt(t, test.answer)
		err := r.wrap(operations(r)[test.operation](t.Context()))
		assert.EqualError(t, err, strings.ReplaceAll(test.want, "URL", r.cfg.Endpoint))
	}

	assert.Equal(t, `bucket "b" in eu-west-1`, Config{Bucket: "b", Region: "eu-west-1"}.place())
	assert.Equal(t, `bucket "b"`, Config{Bucket: "b"}.place())

	r := replicaAt(t, answering(503, nil, xmlError("SlowDown")), func(cfg *Config) { cfg.Retry = ltxstore.Retry{MaxAttempts: 3, BaseDelay: 1, MaxDelay: 1} })
	assert.ErrorContains(t, r.wrap(operations(r)["list"](t.Context())), "returned 503, request ID R)")

	r = replicaAt(t, answering(400, nil, strings.ReplaceAll(xmlError("X"), "said", strings.Repeat("secret-value", 10_000))))
	r.log.Secrets.Add("secret-value")
	text := r.wrap(operations(r)["list"](t.Context())).Error()
	assert.Less(t, len(text), 8<<10)
	assert.NotContains(t, text, "secret")
	assert.Contains(t, text, "returned 400")
}

// What has another cause than its status says has another kind, and a hint.
func TestHints(t *testing.T) {
	for _, test := range []struct {
		answer http.HandlerFunc
		op     string
		want   string
	}{
		{answering(403, nil, `<Error><Code>InvalidObjectState</Code><Message>no</Message><StorageClass>DEEP_ARCHIVE</StorageClass></Error>`), "get", "archived in storage class DEEP_ARCHIVE and must be restored"},
		{answering(403, nil, xmlError("InvalidObjectState")), "get", "archived, as in GLACIER, and must be restored"},
		{answering(403, http.Header{"Date": {"Mon, 02 Jan 2006 15:04:05 GMT"}}, xmlError("RequestTimeTooSkewed")), "list", "and 2006-01-02 15:04:05 there"},
		{answering(403, http.Header{"Date": {"Mon, 02 Jan 2006 15:04:05 GMT"}}, ""), "head", "the clock of this machine differs from that of the service: it is"},
	} {
		r := replicaAt(t, test.answer)
		err := r.wrap(operations(r)[test.op](t.Context()))
		assert.ErrorContains(t, err, test.want)
		assert.NoError(t, ltxstore.KindOf(err), "%v", err)
		assert.False(t, ltxstore.IsRetryable(err))
	}
	// A clock that is right is not blamed.
	r := replicaAt(t, answering(403, http.Header{"Date": {time.Now().Add(-maxSkew + time.Minute).UTC().Format(http.TimeFormat)}}, ""))
	err := r.wrap(operations(r)["head"](t.Context()))
	assert.ErrorIs(t, err, fs.ErrPermission)
	assert.NotContains(t, err.Error(), "clock")
}

// An endpoint of the wrong scheme is a bad setting, and is not tried again.
func TestWrongScheme(t *testing.T) {
	plain := httptest.NewServer(http.NotFoundHandler())
	defer plain.Close()
	secure := httptest.NewTLSServer(http.NotFoundHandler())
	defer secure.Close()
	nginx := httptest.NewServer(answering(400, nil, "<html><center>The plain HTTP request was sent to HTTPS port</center></html>"))
	defer nginx.Close()
	alert, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer alert.Close()
	go func() {
		for {
			conn, err := alert.Accept()
			if err != nil {
				return
			}
			_, _ = conn.Read(make([]byte, 1<<10))
			_, _ = conn.Write([]byte("\x15\x03\x01\x00\x02\x02\x46"))
			_ = conn.Close()
		}
	}()
	for endpoint, want := range map[string]string{
		strings.Replace(plain.URL, "http:", "https:", 1):  "want an Endpoint that begins with http://",
		strings.Replace(secure.URL, "https:", "http:", 1): "want an Endpoint that begins with https://",
		nginx.URL:                         "want an Endpoint that begins with https://",
		"http://" + alert.Addr().String(): "want an Endpoint that begins with https://",
	} {
		cfg := valid()
		cfg.Endpoint = endpoint
		// A server may also close the connection before its answer is read.
		cfg.Retry = ltxstore.Retry{MaxAttempts: 10, BaseDelay: 1}
		c := NewReplicaClient(cfg)
		_, writeErr := c.WriteLTXFile(t.Context(), 0, 1, 1, strings.NewReader("body"))
		_, openErr := c.OpenLTXFile(t.Context(), 0, 1, 1, 0, 0)
		for _, err := range []error{list(t.Context(), c), openErr, writeErr} {
			assert.ErrorIs(t, err, fs.ErrInvalid)
			assert.ErrorContains(t, err, want)
		}
	}
}

// Whoever has no credentials is told where they are looked for; the metadata
// service's 404 is none of S3.
func TestCredentialsCannotBeFound(t *testing.T) {
	status := 404
	machine := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPut {
			w.Header().Set("X-Aws-Ec2-Metadata-Token-Ttl-Seconds", "100")
			_, _ = io.WriteString(w, "token")
			return
		}
		w.WriteHeader(status)
	}))
	defer machine.Close()
	for name, set := range map[string]func(*testing.T){
		"no role":  func(t *testing.T) { t.Setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", machine.URL) },
		"disabled": func(t *testing.T) { t.Setenv("AWS_EC2_METADATA_DISABLED", "true") },
		"no machine": func(t *testing.T) {
			t.Setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", unreachable)
		},
		"outage": func(t *testing.T) {
			status = 503
			t.Setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", machine.URL)
		},
	} {
		t.Run(name, func(t *testing.T) {
			for _, variable := range []string{"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE", "AWS_EC2_METADATA_DISABLED"} {
				t.Setenv(variable, "")
			}
			status = 404
			set(t)
			asked := 0
			r := replicaAt(t, http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked++ }),
				func(cfg *Config) { cfg.AccessKeyID, cfg.SecretAccessKey, cfg.SessionToken = "", "", "" })
			for op, run := range operations(r) {
				err := r.wrap(run(t.Context()))
				if name == "outage" {
					assert.ErrorIs(t, err, ltxstore.ErrUnavailable, op)
					continue
				}
				assert.ErrorIs(t, err, fs.ErrPermission, op)
				assert.NotErrorIs(t, err, fs.ErrNotExist)
				for _, where := range []string{"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "access-key-id", "AWS_PROFILE", `bucket "`} {
					assert.ErrorContains(t, err, where)
				}
			}
			_, err := r.bucket().Head(t.Context(), "key", "")
			assert.Error(t, err)
			assert.NotErrorIs(t, kindOf(err), fs.ErrNotExist)
			assert.Zero(t, asked)
		})
	}
}

// A server that repeats what it was sent has no secret put into an error or
// the log.
func TestEchoedSecrets(t *testing.T) {
	const secret, token, external = "s3cr3t/With+Signs=", "session-token-0f9c51e2", "external-id-77"
	customer := bytes.Repeat([]byte("K"), 31)
	customer = append(customer, '!')
	var sent []string
	echo := func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		authorization := r.Header.Get("Authorization")
		_, signature, _ := strings.Cut(authorization, "Signature=")
		sent = append(sent, signature)
		var b strings.Builder
		_ = r.Header.Write(&b)
		words := strings.Join([]string{b.String(), authorization, signature, secret, token, external, string(customer),
			base64.StdEncoding.EncodeToString(customer), base64.StdEncoding.EncodeToString([]byte("AK:" + secret))}, " | ")
		w.Header().Set("X-Amz-Request-Id", signature+" "+secret+" "+token)
		w.WriteHeader(503)
		_, _ = io.WriteString(w, "<Error><Code>SlowDown</Code><Message>"+strings.NewReplacer("&", "&amp;", "<", "&lt;").Replace(words)+"</Message></Error>")
	}
	for _, given := range []bool{true, false} {
		var log bytes.Buffer
		if !given {
			t.Setenv("AWS_ACCESS_KEY_ID", "AKENV")
			t.Setenv("AWS_SECRET_ACCESS_KEY", secret)
			t.Setenv("AWS_SESSION_TOKEN", token)
		}
		server := httptest.NewTLSServer(http.HandlerFunc(echo)) // SSE-C wants it
		defer server.Close()
		cfg := valid()
		cfg.Endpoint, cfg.HTTP.InsecureSkipVerify, cfg.SSECustomerKey = server.URL, true, customer
		cfg.Retry = ltxstore.Retry{MaxAttempts: 2, BaseDelay: 1, MaxDelay: 1}
		cfg.AccessKeyID, cfg.SecretAccessKey, cfg.SessionToken = "", "", ""
		if given {
			cfg.AccessKeyID, cfg.SecretAccessKey, cfg.SessionToken = "AKGIVEN", secret, token
		}
		cfg.Logger = slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
		c := NewReplicaClient(cfg)
		_, err := stubList(t.Context(), c, 0, 0, false)
		texts := []string{fmt.Sprint(err)}
		_, err = c.OpenLTXFile(t.Context(), 0, 1, 1, 0, 0)
		texts = append(texts, fmt.Sprint(err))
		_, err = c.WriteLTXFile(t.Context(), 0, 1, 1, strings.NewReader("body"))
		texts = append(texts, fmt.Sprint(err), fmt.Sprint(c.DeleteLTXFiles(t.Context(), stubInfos(1, 2))), fmt.Sprint(c.DeleteAll(t.Context())), log.String())
		require.NoError(t, c.Close())
		require.NotEmpty(t, sent)
		for _, text := range texts {
			require.Contains(t, text, "SlowDown")
			for _, word := range append(sent, secret, token, string(customer), base64.StdEncoding.EncodeToString(customer)) {
				assert.NotContains(t, text, word)
			}
		}
	}
}
