package ltxstore_test

import (
	"context"
	"errors"
	"io/fs"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/backend"
	"github.com/ltxstore/ltxstore/backend/settings"
	internal "github.com/ltxstore/ltxstore/internal/settings"
	"github.com/ltxstore/ltxstore/mock"
)

// recorder is a backend that notes what it is asked to check and to open.
type recorder struct {
	checked []ltxstore.Source
	got     []recorded
	err     error

	store *mock.Store
}

// recorded is the Config of a recorder's clients.
type recorded struct {
	Place  string          `ltx:"place"`
	Open   string          `ltx:"open"`
	Hidden string          `ltx:"hidden,secret"`
	Layout ltxstore.Layout `ltx:"layout"`
}

// register gives r a scheme that no run of a test has used.
func register(r *recorder, aliases ...string) (scheme string) {
	scheme = "rec" + strconv.FormatInt(registrations.Add(1), 10)
	settings.Register(settings.Backend[recorded, ltxstore.ReplicaClient]{
		Schemes: append([]string{scheme}, aliases...),
		Place:   func(u settings.URL) (map[string]string, error) { return map[string]string{"place": u.Host}, nil },
		Check: func(_ *recorded, src ltxstore.Source) error {
			r.checked = append(r.checked, src)
			return r.err
		},
		New: func(cfg recorded) ltxstore.ReplicaClient {
			r.got = append(r.got, cfg)
			return mock.NewReplicaClient(mock.Config{Store: r.store, Layout: cfg.Layout})
		},
	})
	return scheme
}

var registrations atomic.Int64

func TestRegister(t *testing.T) {
	r := &recorder{}
	rec := register(r)
	assert.Contains(t, internal.Drivers().Names(), rec)
	assert.Contains(t, internal.Drivers().All(), "file", "the example imports it")
	assert.NotNil(t, internal.Drivers().Get(rec))
	assert.Nil(t, internal.Drivers().Get("gone"))
	assert.PanicsWithValue(t, "ltxstore: scheme "+rec+" is registered twice, or has a dot in its name", func() { register(&recorder{}, rec) })

	client, err := ltxstore.Open(t.Context(), strings.ToUpper(rec)+"://place?hidden=1")
	require.NoError(t, err)
	assert.Equal(t, "mock", client.Type())
	assert.Equal(t, []recorded{{Place: "place", Hidden: "1"}}, r.got)
	require.Len(t, r.checked, 1)
	assert.Equal(t, strings.ToUpper(rec)+"://place?hidden=1", r.checked[0].URL)
	_, ok := r.checked[0].Getenv("PATH")
	assert.True(t, ok, "the environment is the process's")

	r.err = errors.New("no")
	_, err = ltxstore.OpenSource(t.Context(), ltxstore.Source{Type: strings.ToUpper(rec)})
	require.ErrorIs(t, err, fs.ErrInvalid)
	assert.EqualError(t, err, rec+": init: invalid argument: no")
	r.err = &ltxstore.Error{Op: "init", Backend: rec, Kind: fs.ErrPermission}
	_, err = ltxstore.OpenSource(t.Context(), ltxstore.Source{Type: rec, URL: rec + "://x"})
	require.ErrorIs(t, err, fs.ErrPermission, "as it is")
	assert.NotErrorIs(t, err, fs.ErrInvalid)
}

func TestOpenRefusals(t *testing.T) {
	for _, tt := range []struct {
		src  ltxstore.Source
		says string
	}{
		{ltxstore.Source{}, "the URL has no scheme"},
		{ltxstore.Source{URL: "/var/replica"}, "the URL has no scheme: want one such as file:///var/replica"},
		{ltxstore.Source{URL: "s3://b"}, `is not imported: want import _ "github.com/ltxstore/ltxstore/s3"`},
		{ltxstore.Source{Type: "s3"}, `is not imported: want import _ "github.com/ltxstore/ltxstore/s3"`},
		{ltxstore.Source{URL: "ftp://h"}, `no backend is registered for the scheme "ftp": known are file, mem`},
		{ltxstore.Source{URL: "file:///x", Type: "mem"}, `type is "mem" and the URL's scheme "file": want one of them`},
	} {
		_, err := ltxstore.OpenSource(t.Context(), tt.src)
		require.ErrorIs(t, err, fs.ErrInvalid)
		assert.ErrorContains(t, err, tt.says)
		assert.Equal(t, err, tt.src.Check())
	}
}

func TestTypeAndSchemeDiffer(t *testing.T) {
	two := "two" + strconv.FormatInt(registrations.Add(1), 10)
	one := register(&recorder{}, two)
	scheme, err := ltxstore.Source{Type: one, URL: two + "://x"}.Scheme()
	require.NoError(t, err, "two names of one backend")
	assert.Equal(t, one, scheme)

	other := register(&recorder{})
	_, err = ltxstore.OpenSource(t.Context(), ltxstore.Source{Type: one, URL: other + "://x"})
	require.ErrorContains(t, err, "want one of them")
}

func TestOpenAuto(t *testing.T) {
	r := &recorder{store: mock.NewStore()}
	auto := register(r) + "://x?layout=auto"
	client, err := ltxstore.Open(t.Context(), auto)
	require.NoError(t, err)
	assert.NotNil(t, client)
	assert.Len(t, r.got, 4, "one for each layout, and the last")
	assert.EqualValues(t, 3, r.store.Requests())

	r.got = nil
	r.store.Put("ltx/9/0000000000000001-0000000000000001.ltx", mock.Object{Body: []byte("x")})
	before := r.store.Requests()
	_, err = ltxstore.Open(t.Context(), auto)
	require.NoError(t, err)
	assert.Equal(t, recorded{Place: "x", Layout: ltxstore.LayoutLitestream}, r.got[len(r.got)-1])
	assert.EqualValues(t, 4, r.store.Requests()-before)

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = ltxstore.Open(ctx, auto)
	assert.ErrorIs(t, err, context.Canceled)
}

func TestFindLayoutFailures(t *testing.T) {
	failed := errors.New("failed")
	_, found, err := ltxstore.FindLayout(t.Context(), func(ltxstore.Layout) (ltxstore.ReplicaClient, error) { return nil, failed })
	assert.ErrorIs(t, err, failed)
	assert.False(t, found)

	// A listing that fails may not pass for an empty one.
	_, _, err = ltxstore.FindLayout(t.Context(), func(layout ltxstore.Layout) (ltxstore.ReplicaClient, error) {
		client := mock.NewReplicaClient(mock.Config{Layout: layout})
		keys, err := backend.NewKeys(layout, "")
		if err != nil {
			return nil, err
		}
		client.Store().Put(keys.File(3, 1, 1), mock.Object{Body: []byte("x")})
		client.Script(t, mock.Fault{Op: mock.OpList, Levels: []int{3}, Times: 1, Err: ltxstore.ErrUnavailable})
		return client, nil
	})
	assert.ErrorIs(t, err, ltxstore.ErrUnavailable)
}

// brokenListing fails while it is read, not when it is asked for.
type brokenListing struct{ ltx.FileIterator }

func (brokenListing) Next() bool   { return false }
func (brokenListing) Err() error   { return ltxstore.ErrUnavailable }
func (brokenListing) Close() error { return ltxstore.ErrUnavailable }

func TestFindLayoutOfABrokenListing(t *testing.T) {
	client := &mock.ReplicaClient{LTXFilesFunc: func(context.Context, int, ltx.TXID, bool) (ltx.FileIterator, error) {
		return brokenListing{}, nil
	}}
	client.Store().Put("ltx/0000/0000000000000001-0000000000000001.ltx", mock.Object{Body: []byte("x")})
	_, _, err := ltxstore.FindLayout(t.Context(), func(ltxstore.Layout) (ltxstore.ReplicaClient, error) { return client, nil })
	assert.ErrorIs(t, err, ltxstore.ErrUnavailable)
}

// sixMethods hides what a client can do beyond the interface.
type sixMethods struct{ ltxstore.ReplicaClient }

// failingLevels cannot tell its levels.
type failingLevels struct{ ltxstore.ReplicaClient }

func (failingLevels) LTXLevels(context.Context) ([]int, error) { return nil, ltxstore.ErrUnavailable }

func TestFindLayoutByLevels(t *testing.T) {
	store := mock.NewStore()
	store.Put("ltx/12/0000000000000001-0000000000000001.ltx", mock.Object{Body: []byte("x")})
	find := func(wrap func(ltxstore.ReplicaClient) ltxstore.ReplicaClient) (ltxstore.Layout, bool, error) {
		return ltxstore.FindLayout(t.Context(), func(layout ltxstore.Layout) (ltxstore.ReplicaClient, error) {
			return wrap(mock.NewReplicaClient(mock.Config{Store: store, Layout: layout})), nil
		})
	}
	layout, found, err := find(func(c ltxstore.ReplicaClient) ltxstore.ReplicaClient { return c })
	require.NoError(t, err)
	assert.True(t, found, "a replica whose only level is 12")
	assert.Equal(t, ltxstore.LayoutLitestream, layout)

	_, _, err = find(func(c ltxstore.ReplicaClient) ltxstore.ReplicaClient { return failingLevels{c} })
	require.ErrorIs(t, err, ltxstore.ErrUnavailable)

	// Of a client that cannot tell its levels the usual ones are listed.
	store.Put("0008/0000000000000001-0000000000000001.ltx", mock.Object{Body: []byte("x")})
	layout, found, err = find(func(c ltxstore.ReplicaClient) ltxstore.ReplicaClient { return sixMethods{c} })
	require.NoError(t, err)
	assert.True(t, found)
	assert.Equal(t, ltxstore.LayoutLitestreamS3, layout)

	// What holds files of two layouts is refused, as both.
	_, found, err = find(func(c ltxstore.ReplicaClient) ltxstore.ReplicaClient { return c })
	require.ErrorIs(t, err, fs.ErrInvalid)
	assert.ErrorContains(t, err, "files in the layouts litestream and litestream-s3: set layout to one of them")
	assert.False(t, found)

	_, found, err = ltxstore.FindLayout(t.Context(), nil)
	assert.ErrorIs(t, err, fs.ErrInvalid)
	assert.False(t, found)
}

// Levels of four digits have the same folder in two of the layouts: the other
// levels tell which one it is.
func TestFindLayoutOfLevelsNamedAlike(t *testing.T) {
	for _, tt := range []struct {
		keys []string
		want ltxstore.Layout
		err  string
	}{
		{keys: []string{"ltx/0000", "ltx/1000"}, want: ltxstore.LayoutDefault},
		{keys: []string{"snapshots", "ltx/9999"}, want: ltxstore.LayoutDefault},
		{keys: []string{"ltx/0", "ltx/1000"}, want: ltxstore.LayoutLitestream},
		{keys: []string{"ltx/9", "ltx/9999", "ltx/1000"}, want: ltxstore.LayoutLitestream},
		{keys: []string{"ltx/999", "ltx/1000"}, want: ltxstore.LayoutLitestream},
		{keys: []string{"ltx/1000", "ltx/9999"}, want: ltxstore.LayoutDefault},
		{keys: []string{"03e8"}, want: ltxstore.LayoutLitestreamS3},
		{keys: []string{"ltx/0000", "ltx/0", "ltx/1000"}, err: "default and litestream:"},
		{keys: []string{"ltx/0999", "ltx/999"}, err: "default and litestream:"},
		{keys: []string{"ltx/1000", "03e8"}, err: "default and litestream-s3:"},
		{keys: []string{"ltx/0", "ltx/1000", "03e8"}, err: "litestream and litestream-s3:"},
	} {
		store := mock.NewStore()
		for _, level := range tt.keys {
			store.Put(level+"/0000000000000001-0000000000000001.ltx", mock.Object{Body: []byte("x")})
		}
		layout, found, err := ltxstore.FindLayout(t.Context(), func(layout ltxstore.Layout) (ltxstore.ReplicaClient, error) {
			return mock.NewReplicaClient(mock.Config{Store: store, Layout: layout}), nil
		})
		if tt.err != "" {
			require.ErrorIs(t, err, fs.ErrInvalid, tt.keys)
			assert.ErrorContains(t, err, tt.err, tt.keys)
			continue
		}
		require.NoError(t, err, tt.keys)
		assert.True(t, found, tt.keys)
		assert.Equal(t, tt.want, layout, tt.keys)
	}
}

// An empty replica costs one listing of each level, the snapshots first.
func TestFindLayoutListsEachLevelOnce(t *testing.T) {
	var levels []int
	client := &fakeClient{list: func(_ context.Context, level int, _ ltx.TXID, _ bool) (ltx.FileIterator, error) {
		levels = append(levels, level)
		return ltx.NewFileInfoSliceIterator(nil), nil
	}}
	layouts := 0
	_, found, err := ltxstore.FindLayout(t.Context(), func(ltxstore.Layout) (ltxstore.ReplicaClient, error) {
		layouts++
		return client, nil
	})
	require.NoError(t, err)
	assert.False(t, found)
	assert.Equal(t, slices.Repeat([]int{9, 0, 1, 2, 3, 4, 5, 6, 7, 8}, layouts), levels)
}

func TestLevels(t *testing.T) {
	client := &mock.ReplicaClient{}
	usual := []int{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}
	levels, err := ltxstore.Levels(t.Context(), client)
	require.NoError(t, err)
	assert.Equal(t, usual, levels)

	client.Store().Put("ltx/0400/0000000000000001-0000000000000001.ltx", mock.Object{Body: []byte("x")})
	client.Store().Put("ltx/0003/0000000000000001-0000000000000001.ltx", mock.Object{Body: []byte("x")})
	levels, err = ltxstore.Levels(t.Context(), client)
	require.NoError(t, err)
	assert.Equal(t, append(usual, 400), levels)

	levels, err = ltxstore.Levels(t.Context(), sixMethods{client})
	require.NoError(t, err)
	assert.Equal(t, usual, levels)

	_, err = ltxstore.Levels(t.Context(), failingLevels{client})
	assert.ErrorIs(t, err, ltxstore.ErrUnavailable)
}
