package config_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v4"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/config"
)

// registered returns the names on Prometheus' default registry that are ours.
func registered(t *testing.T) (names []string) {
	t.Helper()
	families, err := prometheus.DefaultGatherer.Gather()
	require.NoError(t, err)
	for _, family := range families {
		if strings.HasPrefix(family.GetName(), "litestream_") {
			names = append(names, family.GetName())
		}
	}
	return names
}

// A file that is parsed and a source that is checked leave nothing behind,
// right or wrong: no collector, no file, and no goroutine, or synctest would
// report a deadlock. Only a client that is used does.
func TestCheckLeavesNothing(t *testing.T) {
	registerer, gatherer := prometheus.DefaultRegisterer, prometheus.DefaultGatherer
	t.Cleanup(func() { prometheus.DefaultRegisterer, prometheus.DefaultGatherer = registerer, gatherer })
	fresh := prometheus.NewRegistry()
	prometheus.DefaultRegisterer, prometheus.DefaultGatherer = fresh, fresh

	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) { checkLeavesNothing(t, dir) })

	// A client that is used has its metrics, so that the test above could fail.
	client, err := ltxstore.OpenSource(t.Context(), ltxstore.Source{URL: "mem://?metrics=true"})
	require.NoError(t, err)
	require.NoError(t, ltxstore.Init(t.Context(), client))
	assert.NotEmpty(t, registered(t))
}

func checkLeavesNothing(t *testing.T, dir string) {
	store, cache := filepath.Join(dir, "store"), filepath.Join(dir, "cache")
	wrappers := "metrics: true, trace: true, retry: true, readonly: true, compress: true, throttle: {requests: 9}, crypt: {recipients: " + recipient + "}, " +
		"checksum: true, cache: {dir: " + cache + "}, mirror: [file://" + store + "2, mem://]"
	for _, text := range []string{
		"replica: {path: " + store + ", " + wrappers + "}",
		"replica: {path: " + store + ", must-exist: true, layout: auto, " + wrappers + "}",
		"replica: {path: " + store + ", " + wrappers + ", dir-mode: 0001}",
		"replica: {path: " + store + ", " + strings.Replace(wrappers, "requests: 9", "requests: 9, upload: 0", 1) + "}",
		"replica: {path: " + store + ", " + strings.Replace(wrappers, recipient, "age1bad", 1) + "}",
		"replica: {path: " + store + ", " + strings.Replace(wrappers, "mem://", "mem://?page-size=x", 1) + "}",
		"replica: {url: 's3://b?metrics=true', endpoint: 'http://127.0.0.1:1', region: eu, part-size: 1}",
		"replica: {url: 'gs://b?metrics=true', endpoint: 'http://127.0.0.1:1'}",
	} {
		_, err := config.Parse([]byte(text), options())
		if strings.Contains(text, "metrics: true, trace") {
			assert.Equal(t, strings.Contains(text, "0001") || strings.Contains(text, "upload") || strings.Contains(text, "bad") || strings.Contains(text, "=x"), err != nil, "%s: %v", text, err)
		}
	}
	wrong := ltxstore.Source{URL: "file://" + store, Settings: map[string]string{"metrics": "true", "crypt.recipients": "age1bad"}}
	require.Error(t, wrong.Check())
	_, err := ltxstore.OpenSource(t.Context(), wrong)
	require.Error(t, err, "what is wrong with one wrapper is told before another has done anything")

	assert.Empty(t, registered(t))
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	assert.Empty(t, entries)
}

// Check refuses what opening would, with the same words.
func TestCheckSaysWhatOpenSays(t *testing.T) {
	for _, url := range []string{
		"mem://?compress.level=hardest", "mem://?crypt.recipients=age1bad", "mem://?crypt=true", "mem://?cache.block-size=3",
		"mem://?throttle=true", "mem://?throttle.upload=0", "mem://?retry.max-attempts=1", "mem://?retry.base-delay=1h&retry.max-delay=1s",
		"mem://?mirror.policy=all", "mem://?mirror=mem://&mirror.policy=most", "mem://?mirror=s4://b",
		"mem://?page-size=x", "s3://b?region=eu-central-1&retry=true", "gs://b?retry.max-attempts=3", "mem://?checksum.read-back=perhaps",
		"mem://?readonly.x=1", "mem://?metrics.x=1", "mem://?trace.x=1", "mem://?trace=maybe", "file:relative?sweep-age=1ms",
	} {
		src := ltxstore.Source{URL: url}
		_, err := ltxstore.OpenSource(t.Context(), src)
		require.Error(t, err, url)
		assert.EqualError(t, src.Check(), err.Error(), url)
	}
	for _, url := range []string{"s3://b?region=eu-central-1&retry=true&retry-max-attempts=1", "mem://?compress=off"} {
		assert.NoError(t, ltxstore.Source{URL: url}.Check(), url)
	}
}

// What a daemon's parser cannot read is no empty section.
func TestSectionThatCannotBeRead(t *testing.T) {
	var section config.Section
	assert.Error(t, section.UnmarshalYAML(&yaml.Node{Kind: yaml.MappingNode, Content: []*yaml.Node{{Kind: yaml.SequenceNode}, {}}}))
	assert.Error(t, section.UnmarshalJSON([]byte("{")))
}
