package settings

import (
	"errors"
	"reflect"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ltxstore/ltxstore"
)

type store struct {
	Bucket string          `ltx:"bucket"`
	Region string          `ltx:"region"`
	Zone   string          `ltx:"zone"`
	Host   string          `ltx:"host,endpoint"`
	Login  string          `ltx:"login,user"`
	Key    string          `ltx:"key,secret"`
	Parts  int             `ltx:"parts"`
	Layout ltxstore.Layout `ltx:"layout"`
	Retry  ltxstore.Retry  `ltx:"retry"`
}

type client struct {
	ltxstore.ReplicaClient
	cfg store
}

// toyDriver is a driver whose Check completes the region, and refuses one.
func toyDriver() *driver {
	return newDriver(Backend[store, client]{
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
	c, err := toyDriver().Open(t.Context(), ltxstore.Source{URL: "toy://b?key=k&layout=litestream"})
	require.NoError(t, err)
	assert.Equal(t, store{Bucket: "b", Key: "k", Region: "default", Layout: ltxstore.LayoutLitestream}, c.(client).cfg)

	for want, src := range map[string]ltxstore.Source{
		"refused":              {URL: "toy://b?region=bad"},
		"unknown setting":      {URL: "toy://b?regoin=r"},
		"want a whole number":  {URL: "toy://b?parts=x"},
		"retry-max-delay, 20s": {URL: "toy://b?retry-base-delay=1h"},
		"want auto, default, ": {URL: "toy://b?layout=flat"},
	} {
		c, err := toyDriver().Open(t.Context(), src)
		require.ErrorContains(t, err, want)
		assert.Nil(t, c)
		require.ErrorContains(t, toyDriver().Check(src), want)
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
	assert.Equal(t, []string{"name", "count"}, newTable(reflect.TypeFor[named]()).Names())
	assert.Equal(t, []string{"outer-name", "count"}, newTable(reflect.TypeFor[tagged]()).Names())
}

// registerStores registers the backends of TestDescribe, also where it runs several times.
var registerStores = sync.OnceFunc(func() {
	Register(Backend[store, client]{
		Schemes: []string{"described"},
		Place:   func(u URL) (map[string]string, error) { return map[string]string{"bucket": u.Host}, nil },
	})
	Register(Backend[store, client]{Schemes: []string{"placeless"}})
})

func TestDescribe(t *testing.T) {
	registerStores()
	src := ltxstore.Source{URL: "described://b?key=k&parts=3&layout=litestream", Settings: map[string]string{"zone": "z"}}
	assert.Equal(t, map[string]string{"bucket": "b", "zone": "z", "layout": "litestream"}, Describe(src), "only texts, and no secret")
	assert.True(t, Has(src, "region"))
	assert.False(t, Has(src, "regoin"))

	src.Settings["host"], src.Settings["login"] = "h", "me"
	found := Describe(src)
	assert.Equal(t, [4]string{"h", "h", "me", "me"}, [4]string{found["host"], found["endpoint"], found["login"], found["user"]})
	delete(src.Settings, "host")
	delete(src.Settings, "login")

	src.Settings["layout"] = "auto"
	assert.Nil(t, Describe(src), "two layouts")
	src.URL = "described://b"
	assert.Nil(t, Describe(ltxstore.Source{URL: "gone://"}))
	assert.False(t, Has(ltxstore.Source{URL: "gone://"}, "region"))
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
	cfg, _, err := decodeAs[config](ltxstore.Source{Settings: map[string]string{"odd": "odd", "layout": "litestream"}})
	require.NoError(t, err)
	assert.Equal(t, config{1, ltxstore.LayoutLitestream}, cfg)
	_, _, err = decodeAs[config](ltxstore.Source{Settings: map[string]string{"odd": "even"}})
	require.ErrorContains(t, err, `odd is "even": want odd`)
	_, _, err = decodeAs[config](ltxstore.Source{Settings: map[string]string{"layout": "even"}})
	require.ErrorContains(t, err, `layout is "even": want auto, default, litestream or litestream-s3`)
}

func TestMarkdownOfCode(t *testing.T) {
	assert.NotContains(t, wrapperToy().Markdown(), "Only code can set")
	assert.Contains(t, toy().Markdown(), "Only code can set: `Handler`.")
}

func TestWrapperIsChecked(t *testing.T) {
	check := func(src ltxstore.Source) error {
		_, err := wrap(wrapperToy(), src)
		return err
	}
	require.ErrorContains(t, check(ltxstore.Source{Settings: map[string]string{"toy.nosuch": "1"}}), "unknown setting")
	require.NoError(t, check(ltxstore.Source{Settings: map[string]string{"toy": "false"}}))
	require.ErrorContains(t, check(ltxstore.Source{Settings: map[string]string{"toy.level": "refused"}}), "no such level")
	require.NoError(t, check(ltxstore.Source{Settings: map[string]string{"toy": "false"}, Defaults: map[string]string{"toy.level": "refused"}}), "what is off is not checked")

	other := []ltxstore.Source{{URL: "toy://b"}}
	require.ErrorContains(t, check(ltxstore.Source{Settings: map[string]string{"toy": "false"}, Mirrors: other}),
		"toy is false, and there are replicas: want one of them")
	require.NoError(t, check(ltxstore.Source{Mirrors: other}))
}
