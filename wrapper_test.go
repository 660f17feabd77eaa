package ltxstore_test

import (
	"errors"
	"io/fs"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/internal/settings"
	"github.com/ltxstore/ltxstore/mock"
)

// marker is a wrapper that does nothing: its name tells that it is there.
type marker struct {
	ltxstore.ReplicaClient
	name   string
	others int
}

func (m marker) Type() string                   { return m.name + "(" + m.ReplicaClient.Type() + ")" }
func (m marker) Unwrap() ltxstore.ReplicaClient { return m.ReplicaClient }

// marking is the driver of a marker. It notes what it is asked for, and knows
// every setting but "unknown".
type marking struct {
	name         string
	got, checked *[]ltxstore.Source
	err, late    error // of Check, and of Wrap
}

func (m marking) Wrap(next ltxstore.ReplicaClient, src ltxstore.Source, mirrors []ltxstore.ReplicaClient) (ltxstore.ReplicaClient, error) {
	*m.got = append(*m.got, src)
	for _, other := range mirrors {
		return marker{next, m.name + "+" + other.Type(), 1}, m.late
	}
	return marker{next, m.name, 0}, m.late
}

func (m marking) Check(src ltxstore.Source, _ bool) error {
	*m.checked = append(*m.checked, src)
	return m.err
}

func (m marking) Lookup(key string) (string, bool, bool) {
	return key, strings.HasSuffix(key, "hidden"), !strings.HasSuffix(key, "unknown")
}

// registerMarkers registers the wrappers of these tests, once: what they are asked
// for is in marked.
var registerMarkers = sync.OnceFunc(func() {
	settings.Wrappers().Add(marking{"zeta", &marked, &checked, nil, nil}, "zeta", "zz")
	settings.Wrappers().Add(marking{"alpha", &marked, &checked, nil, nil}, "alpha")
	settings.Wrappers().Add(marking{"mirror", &marked, &checked, nil, nil}, "mirror")
	settings.Wrappers().Add(marking{"failing", &marked, &checked, errors.New("no such thing"), nil}, "failing")
	settings.Wrappers().Add(marking{"late", &marked, &checked, nil, errors.New("too late")}, "late")
	ltxstore.Register(closingDriver{&closedStores}, "closes")
})

var (
	marked, checked []ltxstore.Source
	closedStores    int
)

// closing notes that its client was closed.
type closing struct {
	ltxstore.ReplicaClient
	closed *int
}

func (c closing) Close() error { *c.closed++; return nil }

type closingDriver struct{ closed *int }

func (d closingDriver) Open(ltxstore.Source) (ltxstore.ReplicaClient, bool, error) {
	return closing{mock.NewReplicaClient(mock.Config{}), d.closed}, false, nil
}

func (closingDriver) Check(ltxstore.Source) (bool, error) { return false, nil }

func (closingDriver) Lookup(key string) (string, bool, bool) { return key, false, key == "setting" }

func TestOpenWrapped(t *testing.T) {
	registerMarkers()
	assert.Subset(t, settings.Wrappers().Names(), []string{"alpha", "zeta"})
	assert.NotContains(t, settings.Wrappers().Names(), "zz", "it is another name")
	assert.Equal(t, settings.Wrappers().Get("zeta"), settings.Wrappers().Get("zz"))
	assert.Nil(t, settings.Wrappers().Get("gone"))

	for _, src := range []ltxstore.Source{
		{URL: "mem://?zeta.x=1&page-size=7&zz.y=a%26b&alpha=true"},
		{URL: "mem://?alpha=true&page-size=7&zz.y=a%26b", Settings: map[string]string{"zeta.x": "1"}},
		{Type: "mem", Settings: map[string]string{"page-size": "7", "zeta.x": "1"}, Defaults: map[string]string{"zz.y": "a&b", "alpha": "true"}},
	} {
		marked = nil
		client, err := ltxstore.OpenSource(t.Context(), src)
		require.NoError(t, err)
		assert.Equal(t, "alpha(zeta(mock))", client.Type(), "whatever the order")
		require.Len(t, marked, 2, "the inner one first")
		assert.NotEmpty(t, marked[0].Getenv)
		require.NoError(t, src.Check())
		store := src.Store()
		assert.Equal(t, src.Type, store.Type)
		assert.NotContains(t, store.String(), "zeta")
		assert.Contains(t, store.String(), "page-size")
		assert.Nil(t, store.Getenv)
	}
	_, err := ltxstore.Open(t.Context(), "mem://?zeta.x=1&page-size=7&zz.y=a%26b&alpha=true")
	require.NoError(t, err)
	assert.Equal(t, "alpha:?alpha=true", marked[len(marked)-1].URL)
	assert.Equal(t, "zeta:?zeta.x=1&zz.y=a%26b", marked[len(marked)-2].URL)

	client, err := ltxstore.Open(t.Context(), "mem://?page-size=7")
	require.NoError(t, err)
	assert.IsType(t, &mock.ReplicaClient{}, client, "no wrapper is asked for")

	client, err = ltxstore.OpenSource(t.Context(), ltxstore.Source{Type: "mem", Mirrors: []ltxstore.Source{{URL: "mem://?alpha=1"}}})
	require.NoError(t, err)
	assert.Equal(t, "mirror+alpha(mock)(mock)", client.Type())

	assert.Equal(t, "mem://?zeta.x=1&zeta.hidden=[redacted]&zz.unknown=[redacted]&page-size=7",
		ltxstore.Redact("mem://?zeta.x=1&zeta.hidden=hush&zz.unknown=hush&page-size=7"))
	assert.Panics(t, func() { settings.Wrappers().Add(marking{}, "zz") })
	assert.Panics(t, func() { settings.Wrappers().Add(marking{}, "dot.ted") })
	assert.Panics(t, func() { settings.Wrappers().Add(nil, "nothing") })
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
		{ltxstore.Source{Type: "mem", Settings: map[string]string{"cyrpt.recipients": "hush"}, Where: func(string) string { return "line 3" }},
			`unknown setting "cyrpt.recipients" (line 3): did you mean crypt.recipients?`},
		{ltxstore.Source{URL: "mem://?frobnicator.level=hush"}, "(known: layout, page-size, path, write-once)"},
		{ltxstore.Source{URL: "closes://?failing=1"}, "closes: init: invalid argument: no such thing"},
		{ltxstore.Source{URL: "mem://?crypt"}, "has a setting without a value"},
	} {
		_, err := ltxstore.OpenSource(t.Context(), tt.src)
		require.ErrorIs(t, err, fs.ErrInvalid)
		assert.ErrorContains(t, err, tt.says)
		assert.NotContains(t, err.Error(), "hush")
		assert.NotContains(t, err.Error(), "\n")
	}
	assert.Zero(t, closedStores, "what is wrong is told before a client is made")
	for _, mirrors := range [][]ltxstore.Source{nil, {{URL: "closes://"}, {URL: "closes://"}, {URL: "closes://?late=1"}}} {
		closedStores = 0
		_, err := ltxstore.OpenSource(t.Context(), ltxstore.Source{URL: "closes://?late=1", Mirrors: mirrors})
		assert.ErrorContains(t, err, "too late")
		assert.Equal(t, 1+len(mirrors), closedStores, "no client is left open")
	}
	err := ltxstore.Source{URL: "mem://", Mirrors: []ltxstore.Source{{URL: "mem://"}, {URL: "mem://?page-size=x"}}}.Check()
	assert.ErrorContains(t, err, `mirror.1: mock: init: invalid argument: page-size in the URL is "x"`)
}

// The layout is looked for in the store itself, once what is wrong is told.
func TestOpenWrappedAuto(t *testing.T) {
	registerMarkers()
	r := &partial{recorder{auto: true, store: mock.NewStore()}}
	r.store.Put("ltx/9/0000000000000001-0000000000000001.ltx", mock.Object{Body: []byte("x")})
	scheme := "wrapped" + strconv.FormatInt(registrations.Add(1), 10)
	ltxstore.Register(r, scheme)

	client, err := ltxstore.Open(t.Context(), scheme+"://?alpha=true")
	require.NoError(t, err)
	assert.Equal(t, "alpha(mock)", client.Type())
	assert.Equal(t, "litestream", r.got[len(r.got)-1].Layout)
	sent := r.store.Requests()
	assert.EqualValues(t, 4, sent)

	_, err = ltxstore.Open(t.Context(), scheme+"://?failing=true")
	require.ErrorIs(t, err, fs.ErrInvalid)
	assert.Equal(t, sent, r.store.Requests(), "nothing was sent")
}

// partial is a recorder that knows no setting.
type partial struct{ recorder }

func (*partial) Lookup(key string) (string, bool, bool) { return "", false, false }
