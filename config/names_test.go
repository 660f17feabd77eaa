package config_test

import (
	"fmt"
	"net/url"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"unicode"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/backend/object"
	"github.com/ltxstore/ltxstore/backend/transport"
	"github.com/ltxstore/ltxstore/config"
	"github.com/ltxstore/ltxstore/file"
	"github.com/ltxstore/ltxstore/gcs"
	"github.com/ltxstore/ltxstore/internal/testkit/race"
	"github.com/ltxstore/ltxstore/mock"
	"github.com/ltxstore/ltxstore/s3"
	"github.com/ltxstore/ltxstore/wrap/cache"
	"github.com/ltxstore/ltxstore/wrap/checksum"
	"github.com/ltxstore/ltxstore/wrap/compress"
	"github.com/ltxstore/ltxstore/wrap/crypt"
	"github.com/ltxstore/ltxstore/wrap/metrics"
	"github.com/ltxstore/ltxstore/wrap/mirror"
	"github.com/ltxstore/ltxstore/wrap/retry"
	"github.com/ltxstore/ltxstore/wrap/throttle"
)

// goNames matches the name of any field of any Config that no English word is
// spelled like: PartSize, KMSKeyID.
func goNames(t *testing.T) *regexp.Regexp {
	t.Helper()
	var names []string
	for _, cfg := range []any{s3.Config{}, gcs.Config{}, file.Config{}, mock.Config{}, cache.Config{}, compress.Config{}, crypt.Config{},
		transport.Options{}, object.Options{},
		metrics.Config{}, mirror.Config{}, retry.Config{}, throttle.Config{}, throttle.Limits{}, checksum.Config{}, ltxstore.Retry{}} {
		for _, field := range reflect.VisibleFields(reflect.TypeOf(cfg)) {
			upper := strings.Map(func(r rune) rune {
				if unicode.IsLower(r) {
					return -1
				}
				return r
			}, field.Name)
			if field.IsExported() && len(upper) > 1 && len(upper) < len(field.Name) {
				names = append(names, regexp.QuoteMeta(field.Name))
			}
		}
	}
	require.Greater(t, len(names), 60)
	return regexp.MustCompile(`\b(` + strings.Join(names, "|") + `)\b|<nil>|\[\]string`)
}

// What is wrong in a URL or a file is told in its own words: the settings' names,
// whatever the value.
func TestErrorsNameSettings(t *testing.T) {
	goName := goNames(t)
	row := regexp.MustCompile("(?m)^\\| `([a-z0-9.-]+)(\\.NAME)?`")
	places := map[string]string{"s3": "s3://bucket", "gcs": "gs://bucket", "file": "file:///x", "mock": "mem://"}
	refused := make(map[string]int)
	share := 1 // of all values
	if race.Enabled {
		share = 5
	}
	runs := race.OneOf(share)
	for driver, known := range drivers() {
		place := places[driver]
		if place == "" {
			place = "mem://"
		}
		for _, found := range row.FindAllStringSubmatch(known.Markdown(), -1) {
			name := found[1]
			if found[2] != "" {
				name += ".x"
			}
			for _, value := range []string{"", "0", "1", "-1", "3", "true", "false", "999999999999", "1s", "8760h", "0777", "01", "4MiB", "9TiB", "/Path/to",
				"a b", "x", "ftp://h", "http://h", "http://u:p@h/x", "head", "aws:kms", "AES256", "arn:x", "AGE-SECRET-KEY-1", "age1bad", "bad\x00", "\xff",
				"MDEyMw==", "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=", "../up", "mem://"} {
				if !runs() {
					continue
				}
				src := ltxstore.Source{URL: fmt.Sprintf("%s?%s=%s", place, name, url.QueryEscape(value)), Getenv: env}
				err := src.Check()
				if err == nil {
					continue
				}
				refused[driver]++
				assert.NotRegexp(t, goName, err.Error(), "%s=%q", name, value)
				beside := ltxstore.Source{URL: place, Settings: map[string]string{name: value}, Getenv: env, Where: func(string) (line, column int) { return 7, 0 }}
				if err = beside.Check(); assert.Error(t, err, "%s=%q", name, value) {
					assert.NotRegexp(t, goName, err.Error(), "%s=%q", name, value)
					if strings.Contains(err.Error(), name+" (") {
						assert.Contains(t, err.Error(), name+" (line 7)")
					}
				}
			}
		}
	}
	assert.Greater(t, refused["s3"], 300/share, refused)
	assert.Greater(t, refused["cache"], 100/share, refused)
}

func TestErrorsSayWhatWasWritten(t *testing.T) {
	for text, want := range map[string]string{
		"replica:\n  type: s3\n  bucket: b\n  part-size: 1MiB\n":                     `part-size (line 4, column 3) is "1MiB": want 0 (default), or 5 MiB to 5 GiB in bytes`,
		"replica: {url: 's3://b?partSize=1MiB'}":                                     `partSize in the URL is "1MiB": want 0 (default), or 5 MiB`,
		"replica: {type: s3}":                                                        "bucket is missing: want the bucket's name",
		"replica: {url: 's3://b_', tags: {'aws:x': y}}":                              `tags.aws:x (line 1, column 34) is "y": want keys of 1 to 128 characters`,
		"replica: {url: 's3://b', access-key-id: k}":                                 "secret-access-key is missing: want the secret that goes with access-key-id",
		"replica: {url: 's3://b', access-key-id: k, secret-access-key: 'my secret'}": "secret-access-key (line 1, column 44) is not shown: want no white space in it",
		"replica: {url: 's3://b', upload-threshold: 1}":                              `upload-threshold (line 1, column 26) is "1": want 0 (default), or part-size to 5 GiB`,
		"replica: {url: 's3://b', force-path-style: true, bucket: x}":                "line 1, column 50: url and bucket are the same setting",
		"replica: {url: 's3://b', retry-base-delay: 1m, retry-max-delay: 1s}":        `retry-base-delay (line 1, column 26) is "1m": want at most retry-max-delay, 1s`,
		"retry-max-delay: 1s\nreplica: {url: 's3://b', retry-base-delay: 1m}":        `retry-base-delay (line 2, column 26) is "1m": want at most retry-max-delay, 1s`,
		"retry-base-delay: 1m\nreplica: {url: 's3://b', retry-max-delay: 1s}":        `retry-base-delay (line 1, column 1) is "1m": want at most retry-max-delay, 1s`,
		"replica: {url: 's3://b', path: /x/../y}":                                    "line 1, column 26: url and path are the same setting",
		"replica: {url: 's3://b/x/../y'}":                                            `path in the URL: path is "x/../y": want no ".." segment`,
		"replica: {url: 'gs://bucket', storage-class: big}":                          `storage-class (line 1, column 31) is "big"`,
		"replica: {path: /x, file-mode: 0200}":                                       `file-mode (line 1, column 21) is "0200": want permission bits only, with 0600 for the owner`,
		"replica: {path: /x, sweep-age: 1ms}":                                        `sweep-age (line 1, column 21) is "1ms": want 0 (one hour) or at least 1s`,
		"replica: {type: mem, crypt: true}":                                          "crypt.recipients is missing: want a recipient to write files, crypt.identities to read them, or both",
		"replica: {type: mem, crypt: {recipients: [" + recipient + ", age1x]}}":      `crypt.recipients.1 (line 1, column 107) is "age1x": want a native recipient of age`,
		"replica: {type: mem, crypt: {identities: AGE-SECRET-KEY-1X}}":               "crypt.identities (line 1, column 30) is not shown: want a native identity of age, as age-keygen",
		"replica: {type: mem, cache: {size: 8KiB}}":                                  `cache.size (line 1, column 30) is "8KiB": want 0 (default) or at least`,
		"replica: {type: mem, cache: {size: 1MiB, max-range: 2MiB}}":                 `cache.max-range (line 1, column 42) is "2MiB": want 0 (default) or at most cache.size, 1048576 bytes`,
		"replica: {type: mem, mirror: [{type: s3, bucket: b, part-size: 1}]}":        `mirror.0: s3: init: invalid argument: part-size (line 1, column 53) is "1": want`,
		"replica: {type: mem, retry: {max-attempts: 1}}":                             `retry.max-attempts (line 1, column 30) is "1": want 0 (default) or at least 2: 1 means no retries`,
		"replica: {type: mem, retry: {max-delay: 1ms}}":                              "retry.base-delay is 100ms: want at most retry.max-delay, 1ms",
		"replica: {type: mem, throttle: true}":                                       "throttle has no limit: want throttle.upload, throttle.download or throttle.requests",
	} {
		_, err := config.Parse([]byte(text), options())
		assert.ErrorContains(t, err, want, text)
	}
}

// What is empty and would be ignored is an error, but for a map that may be empty.
func TestEmptyMaps(t *testing.T) {
	for text, says := range map[string]string{
		"{type: s3, bucket: b, buckte: {}}":           `unknown setting "buckte": did you mean bucket?`,
		"{type: s3, bucket: {}}":                      "bucket is a map: want one value",
		"{type: s3, bucket: b, frobnicate: {x: }}":    `unknown setting "frobnicate"`,
		"{type: mem, crypt.recipients: []}":           "crypt.recipients is a list: want one value",
		"{type: mem, compress.level: {}}":             "compress.level is a map: want one value",
		"{type: mem, replica: {compress: {}}}":        `unknown setting "replica"`,
		"{type: s3, bucket: b, region: eu, tags: {}}": "",
	} {
		_, err := config.ParseReplicas([]byte(text), options())
		if says == "" {
			assert.NoError(t, err, text)
		} else {
			assert.ErrorContains(t, err, says, text)
		}
	}
}
