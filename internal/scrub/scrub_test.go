package scrub_test

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/ltxstore/ltxstore/internal/scrub"
)

func TestText(t *testing.T) {
	for text, want := range map[string]string{
		"plain":                               "plain",
		"is it? a=b":                          "is it? a=b",
		"https://h/k?x=1":                     "https://h/k",
		"mail a@b":                            "mail a@b",
		`proxy "http://me:secret@p:3128": no`: `proxy "http://[redacted]@p:3128": no`,
		"https://key@h/a@b?x=1 https://h/@":   "https://[redacted]@h/a@b https://h/@",
		`Put "https://h/k?X-Amz-Signature=abc&y=2": EOF`:                              `Put "https://h/k": EOF`,
		`Put "http://h/upload/o?uploadType=resumable&upload_id=secret": reset`:        `Put "http://h/upload/o": reset`,
		"query X-Amz-Credential=AKID/2024 and x-goog-signature=abc, upload_id=secret": "query X-Amz-Credential=[redacted] and x-goog-signature=[redacted], upload_id=[redacted]",

		// Passwords before a host, of any scheme and in any spelling.
		"nats://me:secret@h:4222/x":              "nats://[redacted]@h:4222/x",
		`{"url":"https:\/\/me:secret@h\/b?a=b"}`: `{"url":"https:\/\/[redacted]@h\/b"}`,
		"https%3A%2F%2Fme%3Asecret%40h":          "https%3A%2F%2F[redacted]@h",

		// Headers, as a server echoes them and as Go prints them.
		"Authorization: Bearer ya29.abc-_/+=~ and more":                              "Authorization: Bearer [redacted] and more",
		"authorization=Basic%20bWU6c2VjcmV0":                                         "authorization=Basic%20[redacted]",
		"Authorization: abc":                                                         "Authorization: [redacted]",
		"map[Authorization:[Bearer abc] X-Amz-Security-Token:[abc=] Date:[x y]]":     "map[Authorization:[Bearer [redacted]] X-Amz-Security-Token:[redacted] Date:[x y]]",
		"got Bearer ya29.a0AfH6SMBxxxxxxxxx, want none":                              "got Bearer [redacted], want none",
		"a bearer authentication is needed, basic authorization is not":              "a bearer authentication is needed, basic authorization is not",
		"AWS AKIDEXAMPLE:frJIUN8DYpKDtOLCwo//yllqDzg=":                               "AWS [redacted]",
		"AWS4-HMAC-SHA256 Credential=AKID/2024/s3, SignedHeaders=host, Signature=0f": "AWS4-HMAC-SHA256 Credential=[redacted], SignedHeaders=host, Signature=[redacted]",
		"x-amz-copy-source-server-side-encryption-customer-key: MDEyMw==\r\nHost: h": "x-amz-copy-source-server-side-encryption-customer-key: [redacted]\r\nHost: h",
		"X-Goog-Encryption-Key: MDEyMw==":                                            "X-Goog-Encryption-Key: [redacted]",
		"x-goog-encryption-key-sha256: MDEyMw==":                                     "x-goog-encryption-key-sha256: MDEyMw==",
		"Set-Cookie: session=abc; Path=/":                                            "Set-Cookie: [redacted]; Path=/",

		// Bodies.
		`{"access_token": "abc", "expires_in": 3599}`:                                            `{"access_token": "[redacted]", "expires_in": 3599}`,
		`{\"refresh_token\":\"1//abc\"}`:                                                         `{\"refresh_token\":\"[redacted]\"}`,
		`"SecretAccessKey" : "wJalr\/K7MDENG\u002fbPx",`:                                         `"SecretAccessKey" : "[redacted]",`,
		"<SessionToken>abc&#43;d</SessionToken>":                                                 "<SessionToken>[redacted]</SessionToken>",
		"grant_type=x&assertion=abc&client_secret=def":                                           "grant_type=x&assertion=[redacted]&client_secret=[redacted]",
		"to=%2Fo%3Fa%3Db%26upload_id%3Dabc%26sig%3Ddef":                                          "to=%2Fo%3Fa%3Db%26upload_id%3D[redacted]",
		"to=http://OSS4%20Credential=A%2F20,%20b%2CSignature=0f%20x":                             "to=http://OSS4%20Credential=[redacted],%20b%2CSignature=[redacted]",
		"a%3Bsig=abc a%253Bsig%253Dabc":                                                          "a%3Bsig=[redacted] a%253Bsig%253D[redacted]",
		`{"query":"sv=1\u0026sig=abc\u0026Signature=0f","go":"b\x26sig=abc","and":"x\nsig=abc"}`: `{"query":"sv=1\u0026sig=[redacted]","go":"b\x26sig=[redacted]","and":"x\nsig=[redacted]"}`,
		"AccountKey=abc==;EndpointSuffix=core":                                                   "AccountKey=[redacted];EndpointSuffix=core",
		`{"private_key":"-----BEGIN PRIVATE KEY-----\nMIIE\n-----END PRIVATE KEY-----\n","x":1}`: `{"private_key":"[redacted]\n","x":1}`,
		"-----BEGIN RSA PRIVATE KEY-----\nMIIE cut":                                              "[redacted]",
		"no identity AGE-SECRET-KEY-PQ-1QPZ matches":                                             "no identity [redacted] matches",
		"open SUACS3CRETUAHUDXKFSNVUZRF5UHPMWZ6BFDTJ7M6USDXIEDNPPQYYYCU2: no":                    "open [redacted]: no",
		"-----BEGIN NATS USER JWT-----\neyJ0\n------END NATS USER JWT------\n\n-----BEGIN USER NKEY SEED-----\nSUAC\n------END USER NKEY SEED------\n": "[redacted]\n\n[redacted]\n",
		"SUACS3CRETUAHUDXKFSNVUZRF5UHPMWZ6BFDTJ7M6USDXIEDNPPQYYYCU and SUM":                                                                            "SUACS3CRETUAHUDXKFSNVUZRF5UHPMWZ6BFDTJ7M6USDXIEDNPPQYYYCU and SUM",

		// What is not one.
		"The request signature we calculated does not match: check your key and signing method":                      "The request signature we calculated does not match: check your key and signing method",
		"InvalidAccessKeyId: The AWS Access Key Id you provided does not exist in our records.":                      "InvalidAccessKeyId: The AWS Access Key Id you provided does not exist in our records.",
		"no credentials: set AWS_ACCESS_KEY_ID, or access-key-id in the URL":                                         "no credentials: set AWS_ACCESS_KEY_ID, or access-key-id in the URL",
		"operation error S3: GetObject, https response error StatusCode: 404, RequestID: a, api error NoSuchKey: no": "operation error S3: GetObject, https response error StatusCode: 404, RequestID: a, api error NoSuchKey: no",
	} {
		got := scrub.Text(text)
		assert.Equal(t, want, got)
		assert.Equal(t, got, scrub.Text(got), "done twice")
	}
}

func TestError(t *testing.T) {
	plain := errors.New("plain")
	assert.Same(t, plain, scrub.Error(plain))

	inner := &fs.PathError{Op: "get", Path: "https://h/k?Signature=abc", Err: fs.ErrClosed}
	err := scrub.Error(fmt.Errorf("try: %w", inner))
	assert.EqualError(t, err, "try: get https://h/k: file already closed")
	assert.ErrorIs(t, err, fs.ErrClosed)
	var found *fs.PathError
	assert.ErrorAs(t, err, &found)
}

func TestSecret(t *testing.T) {
	assert.Equal(t, "empty", fmt.Sprintf("%#v", scrub.Secret(0)))
	assert.Equal(t, "not shown", fmt.Sprintf("%#v", scrub.Secret(32)))
	assert.Equal(t, `""`, scrub.Redacted(0))
	assert.Equal(t, "[redacted]", scrub.Redacted(7))
}

// The patterns are made once: an error's text is scrubbed wherever it is
// wrapped, and a listing wraps many.
func TestTextAllocates(t *testing.T) {
	var secrets scrub.Secrets
	secrets.Add("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "a session token")
	for text, most := range map[string]float64{
		"s3: open ltx/0000/0000000000000001-0000000000000001.ltx: store unavailable: connection reset by peer": 1,
		`s3: InternalError: We encountered an internal error. Is it 50% <x> & me? a\`:                          8,
		`Get "https://h/k%20l?x=1": EOF`:                       16,
		"https://h/k?X-Amz-Signature=abc and upload_id=secret": 20,
	} {
		assert.LessOrEqual(t, testing.AllocsPerRun(100, func() { secrets.Text(text) }), most, text)
	}
	// Nor does each escape cost any.
	for _, escape := range []string{"%41", "+", `\u0041`, `\x41`, `\101`, `\n`, "&amp;", "&#65;", "&#x41;", "&nbsp;", `\uZZZZ`, "%ZZ", "&#xZZ;"} {
		text := strings.Repeat(escape, 5000)
		assert.Less(t, testing.AllocsPerRun(3, func() { secrets.Text(text) }), 100.0, escape)
	}
}

func BenchmarkText(b *testing.B) {
	var secrets scrub.Secrets
	secrets.Add("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "a session token")
	text := `operation error S3: PutObject, exceeded maximum number of attempts, 10, https response error StatusCode: 0, RequestID: , HostID: , request send failed, Put "https://b.s3.amazonaws.com/db/ltx/0000/0000000000000001-0000000000000001.ltx?x-id=PutObject": EOF`
	b.ReportAllocs()
	for b.Loop() {
		secrets.Text(text)
	}
}
