package main

import (
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/ltxstore/ltxstore/internal/testkit/race"
)

// A URL with a password is not shown wherever it stands on the command line.
func TestNoSecretOfAnyArgument(t *testing.T) {
	const secret = "hunter2hunter2"
	s, runs := newShell(t), race.OneOf(3)
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
		"s3://bucket/db&secret-access-key=" + secret,
		"s3://bucket/db;secret-access-key=a/b+" + secret,
		"sftp://u:pa/" + secret + "@h/db",
		"sftp://u:pa?" + secret + "@h/db",
		"sftp://u:%zz" + secret + "@h/db",
		"webdavs://h/db?bearer-token=" + secret,
		"abs://h/db?sas-token=?sv=1&sig=" + secret,
		"abs://h/db?connection-string=AccountName=a;AccountKey=" + secret,
		"nats:///b?servers=nats://me:" + secret + "@h:4222",
		"nats://" + secret + "@h:4222/b",
		"gs://bucket/db?access-token=" + secret,
		secret + "s3://bucket/db",
		"AKID:" + secret + "@s3://bucket/db",
		"s3://AKID:" + secret,
		"s3://AKID%3A" + secret + "%40bucket/db",
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
				if !runs() {
					continue
				}
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

func TestLikeURL(t *testing.T) {
	for arg, want := range map[string]bool{"x://": true, "a:b@c": true, "a@b:c": false, "a:b": false, "a@b": false, "x?a=b": true, "a=b?": false, "a=b": false, "x?a": false} {
		assert.Equal(t, want, likeURL(arg), arg)
	}
}

// Each secret is found by itself, as it is written and as it is read.
func TestSecrets(t *testing.T) {
	for raw, want := range map[string][]string{
		"s3://name:p%40ss@b/x":           {"name:p%40ss", "name:p@ss", "name", "p%40ss", "p@ss"},
		"s3://b/x?k=first&l=second#frag": {"first", "second", "frag"},
		"s3://b/x&k=first;l=second#m=ff": {"first", "second"},
		"s3://b/x?k=abc&l=abcd":          {"abcd"},
		"s3://b/x?k=100%zz":              {"100%zz"},
	} {
		var found []string
		for _, secret := range secrets(raw, "") {
			if !slices.Contains(found, secret) {
				found = append(found, secret)
			}
		}
		assert.Equal(t, want, found, raw)
	}
	assert.Empty(t, secrets("s3://b/x?k=first", "the first"), "what is shown is none")
}

// What is not a URL is shown as it is.
func TestNamesAreShown(t *testing.T) {
	for _, name := range []string{"/backups/db@2026.db", "me@home", "what?", "a=b", "0000000000000001-0000000000000002", "-levl", "x#1"} {
		text := "there is no " + name
		assert.Equal(t, text, withoutSecrets(text, []string{"ls", name, "-f=" + name}))
	}
	assert.Equal(t, "no s3://[redacted]@b/x, no [redacted]", withoutSecrets("no s3://k:pass@b/x, no pass", []string{"s3://k:pass@b/x"}))
	assert.Equal(t, "no [redacted]", withoutSecrets("no p@ssword", []string{"s3://k:p%40ssword@b/x"}), "as it is read")
	assert.Equal(t, "a b", withoutSecrets("a b", []string{"s3://a:b@c"}), "too short to be looked for")
}
