package settings

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ltxstore/ltxstore"
)

type store struct {
	Bucket string          `ltx:"bucket"`
	Region string          `ltx:"region"`
	Zone   string          `ltx:"zone"`
	Key    string          `ltx:"key,secret"`
	Parts  int             `ltx:"parts"`
	Layout ltxstore.Layout `ltx:"layout"`
	Retry  ltxstore.Retry  `ltx:"retry"`
}

type client struct {
	ltxstore.ReplicaClient
	cfg store
}

// driver is a backend's whose Check completes the region, and refuses one.
func driver() *backendDriver[store, client] {
	return newBackend(Backend[store, client]{
		Schemes: []string{"toy", "alias"},
		Place:   func(u URL) (map[string]string, error) { return map[string]string{"bucket": u.Host}, nil },
		Check: func(cfg *store, _ ltxstore.Source) error {
			if cfg.Region == "bad" {
				return errors.New("refused")
			}
			if cfg.Region == "" {
				cfg.Region = "default"
			}
			return nil
		},
		New: func(cfg store) client { return client{cfg: cfg} },
	})
}

func TestDriverOpens(t *testing.T) {
	c, auto, err := driver().Open(ltxstore.Source{URL: "toy://b?key=k&layout=auto"})
	require.NoError(t, err)
	assert.True(t, auto)
	assert.Equal(t, store{Bucket: "b", Key: "k", Region: "default"}, c.(client).cfg)

	for want, src := range map[string]ltxstore.Source{
		"refused":              {URL: "toy://b?region=bad"},
		"unknown setting":      {URL: "toy://b?regoin=r"},
		"want a whole number":  {URL: "toy://b?parts=x"},
		"Retry.MaxDelay, 20s":  {URL: "toy://b?retry-base-delay=1h"},
		"want auto, default, ": {URL: "toy://b?layout=flat"},
	} {
		c, auto, err := driver().Open(src)
		require.ErrorContains(t, err, want)
		assert.Nil(t, c)
		assert.False(t, auto)
		_, err = driver().Check(src)
		require.ErrorContains(t, err, want)
		_, err = driver().Describe(src)
		require.ErrorContains(t, err, want)
	}
}

func TestDriverRetries(t *testing.T) {
	for raw, want := range map[string]bool{"toy://b": true, "toy://b?retry-max-attempts=2": true, "toy://b?retry-max-attempts=1": false} {
		retries, err := driver().Check(ltxstore.Source{URL: raw})
		require.NoError(t, err)
		assert.Equal(t, want, retries, raw)
	}
}

func TestEmbedded(t *testing.T) {
	type Common struct {
		Name string `ltx:"name"`
	}
	type named struct {
		Common
		Count int `ltx:"count"`
	}
	type tagged struct {
		Common `ltx:"outer"`
		Count  int `ltx:"count"`
	}
	assert.Equal(t, []string{"name", "count"}, newBackend(Backend[named, client]{}).Names())
	assert.Equal(t, []string{"outer-name", "count"}, newBackend(Backend[tagged, client]{}).Names())
}

func TestDriverDescribes(t *testing.T) {
	found, err := driver().Describe(ltxstore.Source{URL: "toy://b?key=k&parts=3&layout=litestream"})
	require.NoError(t, err)
	assert.Equal(t, map[string]string{"bucket": "b", "region": "default", "layout": "litestream"}, found, "only texts, and no secret")

	raw, contains := driver().URL(found)
	assert.Equal(t, "toy://", raw)
	assert.Empty(t, contains)
	d := driver()
	d.is.URL = func(set map[string]string) (string, []string) { return "toy://" + set["bucket"], []string{"bucket"} }
	raw, contains = d.URL(found)
	assert.Equal(t, "toy://b", raw)
	assert.Equal(t, []string{"bucket"}, contains)
}

// odd reads its own text.
type odd int

func (o *odd) UnmarshalText(text []byte) error {
	if string(text) != "odd" {
		return errors.New("want odd")
	}
	*o = 1
	return nil
}

func TestOwnText(t *testing.T) {
	type config struct {
		Odd    odd             `ltx:"odd"`
		Layout ltxstore.Layout `ltx:"layout"`
	}
	cfg, _, err := Decode[config](ltxstore.Source{Settings: map[string]string{"odd": "odd", "layout": "litestream"}})
	require.NoError(t, err)
	assert.Equal(t, config{1, ltxstore.LayoutLitestream}, cfg)
	_, _, err = Decode[config](ltxstore.Source{Settings: map[string]string{"odd": "even"}})
	require.ErrorContains(t, err, `odd is "even": want odd`)
	_, _, err = Decode[config](ltxstore.Source{Settings: map[string]string{"layout": "even"}})
	require.ErrorContains(t, err, `layout is "even": want auto, default, litestream or litestream-s3`)
}

func TestMarkdownOfCode(t *testing.T) {
	assert.NotContains(t, wrapperToy().Markdown(), "Only code can set")
	assert.Contains(t, toy().Markdown(), "Only code can set: `Handler`.")
}

func TestWrapperDriver(t *testing.T) {
	inside := client{}
	var wrapped bool
	d := &wrapperDriver[wrapping, ltxstore.ReplicaClient]{wrapperToy(), Wrapper[wrapping, ltxstore.ReplicaClient]{
		New: func(next ltxstore.ReplicaClient, _ wrapping) ltxstore.ReplicaClient {
			wrapped = true
			return next
		},
	}}
	bad := ltxstore.Source{Settings: map[string]string{"toy.nosuch": "1"}}
	require.ErrorContains(t, d.Check(bad, false), "unknown setting")
	_, err := d.Wrap(inside, bad, nil)
	require.ErrorContains(t, err, "unknown setting")
	assert.False(t, wrapped)

	require.NoError(t, d.Check(ltxstore.Source{Settings: map[string]string{"toy": "false"}}, false))
	require.NoError(t, d.Check(ltxstore.Source{Settings: map[string]string{"toy": "true"}}, false), "without a Check of its own")
	_, err = d.Wrap(inside, ltxstore.Source{Settings: map[string]string{"toy": "true"}}, nil)
	require.NoError(t, err)
	assert.True(t, wrapped)

	other := []ltxstore.Source{{URL: "toy://b"}}
	require.ErrorContains(t, d.Check(ltxstore.Source{Settings: map[string]string{"toy": "false"}, Mirrors: other}, false),
		"toy is false, and there are replicas: want one of them")
	_, err = d.Wrap(inside, ltxstore.Source{Settings: map[string]string{"toy": "false"}, Mirrors: other}, nil)
	require.ErrorContains(t, err, "there are replicas")
	require.NoError(t, d.Check(ltxstore.Source{Mirrors: other}, false))

	refused := errors.New("refused")
	d.is.Check = func(wrapping, bool) error { return refused }
	require.ErrorIs(t, d.Check(ltxstore.Source{Settings: map[string]string{"toy": "true"}}, false), refused)
	require.NoError(t, d.Check(ltxstore.Source{Settings: map[string]string{"toy": "false"}}, false), "what is off is not checked")
}
