package settings

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestParseURL(t *testing.T) {
	for raw, want := range map[string]URL{
		"s3://bucket":                         {Scheme: "s3", HasAuthority: true, Host: "bucket"},
		"s3://bucket/":                        {Scheme: "s3", HasAuthority: true, Host: "bucket", Path: "/"},
		"S3://bucket/a%20b":                   {Scheme: "s3", HasAuthority: true, Host: "bucket", Path: "/a b"},
		"file:///a":                           {Scheme: "file", HasAuthority: true, Path: "/a"},
		"file:a/b":                            {Scheme: "file", Path: "a/b"},
		"sftp://u%40x:p%3aw@h:22/p":           {Scheme: "sftp", HasAuthority: true, HasUser: true, HasPassword: true, User: "u@x", Password: "p:w", Host: "h:22", Path: "/p"},
		"sftp://u@h":                          {Scheme: "sftp", HasAuthority: true, HasUser: true, User: "u", Host: "h"},
		"sftp://@h":                           {Scheme: "sftp", HasAuthority: true, HasUser: true, Host: "h"},
		"sftp://u:@h":                         {Scheme: "sftp", HasAuthority: true, HasUser: true, HasPassword: true, User: "u", Host: "h"},
		"s3://arn:aws:s3:r:1:accesspoint/n":   {Scheme: "s3", HasAuthority: true, Host: "arn:aws:s3:r:1:accesspoint/n"},
		"s3://arn:aws:s3:r:1:accesspoint/n/p": {Scheme: "s3", HasAuthority: true, Host: "arn:aws:s3:r:1:accesspoint/n", Path: "/p"},
		"s3://arn:aws:s3:r:1:accesspoint//p":  {Scheme: "s3", HasAuthority: true, Host: "arn:aws:s3:r:1:accesspoint/", Path: "/p"},
		"s3://arn:aws:s3:::bucket":            {Scheme: "s3", HasAuthority: true, Host: "arn:aws:s3:::bucket"},
		"s3://arn:/":                          {Scheme: "s3", HasAuthority: true, Host: "arn:/"},
		"s3://b?a=1&b=x%26y&a=2&&":            {Scheme: "s3", HasAuthority: true, Host: "b", query: list{{key: "a", value: "1", where: inURL}, {key: "b", value: "x&y", where: inURL}, {key: "a", value: "2", where: inURL}}},
	} {
		u, err := ParseURL(raw)
		require.NoError(t, err, raw)
		assert.Equal(t, want, u, raw)
	}
	for raw, want := range map[string]string{
		"bucket":            "the URL has no scheme",
		"s3://b#x":          "the URL has a fragment: want # written as %23",
		"s3://b/p\n":        "the URL has a line break or another control character",
		"s3://b/p?a=\x00":   "the URL has a line break or another control character",
		"s3://\x7fb/p":      "the URL has a line break or another control character",
		"s3://b/%zz":        "the URL's path has a %",
		"s3://%zz@b":        "the URL's user or password has a %",
		"s3://u:%zz@b":      "the URL's user or password has a %",
		"s3://b%41/p":       "the URL's host has a %, a backslash or a space in it",
		`s3://b\p`:          "the URL's host has a %, a backslash or a space in it",
		"s3://b?%zz=1":      "a setting whose name cannot be read",
		"s3://b?=1":         "a setting whose name cannot be read",
		"s3://b?a":          "a setting without a value",
		"s3://b?region=%zz": "region, in the URL's query, has a %",
	} {
		_, err := ParseURL(raw)
		require.ErrorContains(t, err, want, raw)
		assert.NotContains(t, err.Error(), "zz", "no value is shown")
	}
}
