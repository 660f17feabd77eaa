package ltxstore_test

import (
	"errors"
	"io/fs"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/backend/settings"
	internal "github.com/ltxstore/ltxstore/internal/settings"
	"github.com/ltxstore/ltxstore/mock"
)

// marker is a wrapper that does nothing: its name tells that it is there.
type marker struct {
	ltxstore.ReplicaClient
	name string
	cfg  marking
}

func (m marker) Type() string                   { return m.name + "(" + m.ReplicaClient.Type() + ")" }
func (m marker) Unwrap() ltxstore.ReplicaClient { return m.ReplicaClient }

// marking is the Config of a marker.
type marking struct {
	X      string                   `ltx:"x"`
	Y      string                   `ltx:"y"`
	Hidden string                   `ltx:"hidden,secret"`
	Others []ltxstore.ReplicaClient `ltx:"-"`
}

// registerMarker registers a wrapper that makes markers. Its Check fails with
// err.
func registerMarker(err error, names ...string) {
	settings.RegisterWrapper(settings.Wrapper[marking, marker]{
		Names: names,
		Check: func(marking, bool) error { return err },
		New: func(next ltxstore.ReplicaClient, cfg marking) marker {
			name := names[0]
			for _, other := range cfg.Others {
				name += "+" + other.Type()
			}
			return marker{next, name, cfg}
		},
		Mirrors: func(cfg *marking, clients []ltxstore.ReplicaClient) { cfg.Others = clients },
	})
}

// registerMarkers registers the wrappers and the backends of these tests, once.
var registerMarkers = sync.OnceFunc(func() {
	registerMarker(nil, "zeta", "zz")
	registerMarker(nil, "alpha")
	registerMarker(nil, "mirror")
	registerMarker(errors.New("no such thing"), "failing")
	settings.Register(settings.Backend[recorded, closing]{Schemes: []string{"shut"}, New: func(recorded) closing {
		return closing{mock.NewReplicaClient(mock.Config{}), &closedStores}
	}})
	settings.Register(settings.Backend[recorded, failingLevels]{Schemes: []string{"unlisted"}, New: func(recorded) failingLevels {
		return failingLevels{mock.NewReplicaClient(mock.Config{})}
	}})
})

var closedStores int

// closing notes that its client was closed.
type closing struct {
	ltxstore.ReplicaClient
	closed *int
}

func (c closing) Close() error { *c.closed++; return nil }

func TestOpenWrapped(t *testing.T) {
	registerMarkers()
	assert.Subset(t, internal.Wrappers().Names(), []string{"alpha", "zeta"})
	assert.NotContains(t, internal.Wrappers().Names(), "zz", "it is another name")
	assert.Equal(t, internal.Wrappers().Get("zeta"), internal.Wrappers().Get("zz"))
	assert.Nil(t, internal.Wrappers().Get("gone"))

	for _, src := range []ltxstore.Source{
		{URL: "mem://?zeta.x=1&page-size=7&zz.y=a%26b&alpha=true"},
		{URL: "mem://?alpha=true&page-size=7&zz.y=a%26b", Settings: map[string]string{"zeta.x": "1"}},
		{Type: "mem", Settings: map[string]string{"page-size": "7", "zeta.x": "1"}, Defaults: map[string]string{"zz.y": "a&b", "alpha": "true"}},
	} {
		client, err := ltxstore.OpenSource(t.Context(), src)
		require.NoError(t, err)
		assert.Equal(t, "alpha(zeta(mock))", client.Type(), "whatever the order")
		outer := client.(marker)
		assert.Equal(t, marking{}, outer.cfg)
		assert.Equal(t, marking{X: "1", Y: "a&b"}, outer.ReplicaClient.(marker).cfg)
		require.NoError(t, src.Check())
	}

	client, err := ltxstore.Open(t.Context(), "mem://?page-size=7")
	require.NoError(t, err)
	assert.IsType(t, &mock.ReplicaClient{}, client, "no wrapper is asked for")

	client, err = ltxstore.OpenSource(t.Context(), ltxstore.Source{Type: "mem", Mirrors: []ltxstore.Source{{URL: "mem://?alpha=1"}}})
	require.NoError(t, err)
	assert.Equal(t, "mirror+alpha(mock)(mock)", client.Type())

	assert.Equal(t, "mem://?zeta.x=1&zeta.hidden=[redacted]&zz.unknown=[redacted]&page-size=7",
		ltxstore.Redact("mem://?zeta.x=1&zeta.hidden=hush&zz.unknown=hush&page-size=7"))
	assert.Panics(t, func() { registerMarker(nil, "new", "zz") })
	assert.Panics(t, func() { registerMarker(nil, "dot.ted") })
}

func TestOpenWrappedRefusals(t *testing.T) {
	registerMarkers()
	closedStores = 0

	// What is known and not imported is told, and never left out.
	for _, src := range []ltxstore.Source{
		{URL: "mem://?crypt.recipients=age1"},
		{URL: "mem://?age.identities=hush"},
		{Type: "mem", Settings: map[string]string{"crypt": "true"}},
		{Type: "mem", Settings: map[string]string{"age.unknown": "hush"}},
		{Type: "mem", Defaults: map[string]string{"crypt.recipients.0": "age1"}},
	} {
		_, err := ltxstore.OpenSource(t.Context(), src)
		require.ErrorIs(t, err, fs.ErrInvalid)
		assert.ErrorContains(t, err, `of the wrapper crypt, which is not imported: want import _ "github.com/ltxstore/ltxstore/wrap/crypt"`)
		assert.NotContains(t, err.Error(), "hush")
		assert.ErrorIs(t, src.Check(), fs.ErrInvalid)
	}
	for _, tt := range []struct {
		src  ltxstore.Source
		says string
	}{
		{ltxstore.Source{URL: "mem://?compres.level=3"}, `unknown setting "compres.level" in the URL: did you mean compress.level?`},
		{ltxstore.Source{URL: "mem://?cyrpt=true"}, `unknown setting "cyrpt" in the URL: did you mean crypt?`},
		{ltxstore.Source{Type: "mem", Settings: map[string]string{"cyrpt.recipients": "hush"}, Where: func(string) (line, column int) { return 3, 0 }},
			`unknown setting "cyrpt.recipients" (line 3): did you mean crypt.recipients?`},
		{ltxstore.Source{URL: "mem://?frobnicator.level=hush"}, "(known: layout, page-size, path, write-once)"},
		{ltxstore.Source{URL: "shut://?failing=1"}, "shut: init: invalid argument: no such thing"},
		{ltxstore.Source{URL: "mem://?crypt"}, "has a setting without a value"},
	} {
		_, err := ltxstore.OpenSource(t.Context(), tt.src)
		require.ErrorIs(t, err, fs.ErrInvalid)
		assert.ErrorContains(t, err, tt.says)
		assert.NotContains(t, err.Error(), "hush")
		assert.NotContains(t, err.Error(), "\n")
	}
	assert.Zero(t, closedStores, "what is wrong is told before a client is made")
	_, err := ltxstore.OpenSource(t.Context(), ltxstore.Source{URL: "shut://", Mirrors: []ltxstore.Source{{URL: "shut://"}, {URL: "shut://"}, {URL: "unlisted://?layout=auto"}}})
	require.ErrorIs(t, err, ltxstore.ErrUnavailable)
	assert.ErrorContains(t, err, "mirror.2: ")
	assert.Equal(t, 3, closedStores, "no client is left open")
	err = ltxstore.Source{URL: "mem://", Mirrors: []ltxstore.Source{{URL: "mem://"}, {URL: "mem://?page-size=x"}}}.Check()
	assert.ErrorContains(t, err, `mirror.1: mock: init: invalid argument: page-size in the URL is "x"`)
}

// The layout is looked for in the store itself, once what is wrong is told.
func TestOpenWrappedAuto(t *testing.T) {
	registerMarkers()
	r := &recorder{store: mock.NewStore()}
	r.store.Put("ltx/9/0000000000000001-0000000000000001.ltx", mock.Object{Body: []byte("x")})
	auto := register(r) + "://x?layout=auto"

	client, err := ltxstore.Open(t.Context(), auto+"&alpha=true")
	require.NoError(t, err)
	assert.Equal(t, "alpha(mock)", client.Type())
	assert.Equal(t, ltxstore.LayoutLitestream, r.got[len(r.got)-1].Layout)
	sent := r.store.Requests()
	assert.EqualValues(t, 4, sent)

	_, err = ltxstore.Open(t.Context(), auto+"&failing=true")
	require.ErrorIs(t, err, fs.ErrInvalid)
	assert.Equal(t, sent, r.store.Requests(), "nothing was sent")
}
