package main

import (
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

// A URL with a password is not shown wherever it stands on the command line.
func TestNoSecretOfAnyArgument(t *testing.T) {
	const secret = "hunter2hunter2"
	s := newShell(t)
	urls := []string{
		"s3://AKID:" + secret + "@bucket/db",
		"s3://AKID:" + secret + "%2F%3D@bucket/db",
		"s3:///AKID:" + secret + "@bucket/db",
		"s3:/AKID:" + secret + "@bucket/db",
		"s3:AKID:" + secret + "@bucket/db",
		"AKID:" + secret + "@bucket/db",
		"s3://AKID:pass\"word\\" + secret + "\n@bucket/db",
		"s3://AKID:a=" + secret + "@bucket/db",
		"s3://bucket/db?secret-access-key=" + secret,
		"s3://bucket/db?endpoint=https://me:" + secret + "@minio:9000",
		"s3://bucket/db#" + secret,
		"gs://bucket/db?access-token=" + secret,
		"http://me:" + secret + "@h/x",
		"file://me:" + secret + "@h/x",
	}
	for _, cmd := range commands() {
		name := strings.Fields(cmd.name)
		positions := [][]string{{"URL"}, {"URL", "URL"}, {"URL", "URL", "URL"}, {"URL", "0", "URL"}, {"URL", "URL", "URL", "URL", "URL"},
			{s.url("rep"), "URL"}, {"URL", "DIR/out"}, {"-URL"}, {"--URL"}, {"-URL", "x"}, {"--", "URL", "URL"}, {"-nosuch=URL", "x"}, {"-nosuch", "URL"}, {"-json=URL", "x"}, {"-quiet=URL"}}
		for _, f := range cmd.flags() {
			positions = append(positions, []string{"-" + f.Name, "URL"}, []string{"-" + f.Name + "=URL"}, []string{"-" + f.Name, "URL", s.url("rep")},
				[]string{"-" + f.Name, "URL", s.url("rep"), "DIR/out"})
		}
		for _, position := range positions {
			for _, url := range urls {
				args := append(slices.Clone(name), position...)
				for i := range args {
					args[i] = strings.ReplaceAll(args[i], "URL", url)
				}
				ctx := t.Context()
				r := s.run(ended(ctx), args...)
				assert.NotContains(t, r.out+r.err, secret, "%q", args)
			}
		}
	}
	for _, url := range urls {
		for _, args := range [][]string{{url}, {url, "ls"}, {"-" + url}, {"config", url}, {"help", url}, {"help", "ls", url}} {
			assert.NotContains(t, s.fails(t, exitUsage, args...), secret, "%q", args)
		}
	}
}

// What is not a URL is shown as it is.
func TestNamesAreShown(t *testing.T) {
	for _, name := range []string{"/backups/db@2026.db", "me@home", "what?", "a=b", "0000000000000001-0000000000000002", "-levl", "x#1"} {
		text := "there is no " + name
		assert.Equal(t, text, withoutSecrets(text, []string{"ls", name, "-f=" + name}))
	}
	assert.Equal(t, "no s3://[redacted]@b/x, no [redacted]", withoutSecrets("no s3://k:pass@b/x, no pass", []string{"s3://k:pass@b/x"}))
	assert.Equal(t, "a b", withoutSecrets("a b", []string{"s3://a:b@c"}), "too short to be looked for")
}
