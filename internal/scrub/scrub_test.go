package scrub_test

import (
	"errors"
	"fmt"
	"io/fs"
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
	} {
		assert.Equal(t, want, scrub.Text(text))
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
