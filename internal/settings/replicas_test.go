package settings_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ltxstore/ltxstore/internal/settings"
)

func TestReplicas(t *testing.T) {
	one := settings.Source{URL: "s3://b/p?region=x&part-size=1", Settings: map[string]string{}}
	two := settings.Source{URL: "gs://c", Settings: map[string]string{}}
	nested := settings.Source{Type: "s3", Settings: map[string]string{"bucket": "b", "crypt.recipients.0": "k"}}
	rest := settings.Source{URL: "m:?m.policy=quorum&m=true"}
	for name, tt := range map[string]struct {
		src      settings.Source
		rest     settings.Source
		replicas []settings.Source
	}{
		"a URL":     {settings.Source{URL: "m:?m=s3://b/p?region%3Dx%26part-size%3D1&m.policy=quorum&m=true&m.replicas=gs://c"}, rest, []settings.Source{one, two}},
		"numbers":   {settings.Source{URL: "m:?m.replicas.7=gs://c&m.1=s3://b/p?region%3Dx%26part-size%3D1"}, settings.Source{}, []settings.Source{one, two}},
		"a file":    {settings.Source{Settings: map[string]string{"m.0": one.URL, "m.1.url": two.URL, "m.enabled": "true"}}, settings.Source{Settings: map[string]string{"m.enabled": "true"}}, []settings.Source{one, two}},
		"a map":     {settings.Source{Settings: map[string]string{"m.replicas.0.type": "s3", "m.replicas.0.bucket": "b", "m.replicas.0.crypt.recipients.0": "k"}}, settings.Source{Settings: map[string]string{}}, []settings.Source{nested}},
		"one text":  {settings.Source{Settings: map[string]string{"m": two.URL}}, settings.Source{Settings: map[string]string{}}, []settings.Source{two}},
		"inherited": {settings.Source{Defaults: map[string]string{"m.0": two.URL}}, settings.Source{Defaults: map[string]string{}}, []settings.Source{two}},
		"replaced":  {settings.Source{URL: "m:?m=gs://c", Defaults: map[string]string{"m.0": one.URL, "m.1": one.URL}}, settings.Source{Defaults: map[string]string{}}, []settings.Source{two}},
		"a path":    {settings.Source{Settings: map[string]string{"m.0.path": "/p"}}, settings.Source{Settings: map[string]string{}}, []settings.Source{{Type: "file", Settings: map[string]string{"path": "/p"}}}},
		"none":      {rest, rest, nil},
		"unread":    {settings.Source{URL: "m:?m&m=%zz&=x&%zz=y"}, settings.Source{URL: "m:?m&m=%zz&=x&%zz=y"}, nil},
		"another's": {settings.Source{Settings: map[string]string{"max": "1", "m.x.url": "2"}}, settings.Source{Settings: map[string]string{"max": "1", "m.x.url": "2"}}, nil},
	} {
		got, replicas, err := settings.Replicas(tt.src, "m")
		require.NoError(t, err, name)
		assert.Equal(t, tt.rest, got, name)
		for i := range replicas {
			replicas[i].Where = nil
		}
		assert.Equal(t, tt.replicas, replicas, name)
	}

	src := settings.Source{Settings: map[string]string{"m.replicas.3.bucket": "b", "m.4.bucket": "c"},
		Where: func(key string) string {
			return map[string]string{"m.replicas.3.bucket": "line 3", "m.4.bucket": "line 4"}[key]
		}}
	_, replicas, err := settings.Replicas(src, "m")
	require.NoError(t, err)
	assert.Equal(t, "line 3", replicas[0].Where("bucket"))
	assert.Equal(t, "line 4", replicas[1].Where("bucket"))
	assert.Empty(t, replicas[1].Where("region"))
	src.URL = "m:?m=gs://c"
	_, _, err = settings.Replicas(src, "m")
	assert.EqualError(t, err, "m in the URL and m.4.bucket (line 4) say the same thing: want one of them")

	for key, want := range map[string]bool{"m": true, "m.0": true, "m.replicas": true, "m.0.url": true, "m.replicas.1.secret": true,
		"m.policy": false, "m.x": false, "mm": false, "x": false, "m.replicas.x": false} {
		assert.Equal(t, want, settings.IsReplica("m", key), key)
	}
}
