package crypt_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"filippo.io/age"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/backend"
	"github.com/ltxstore/ltxstore/internal/testkit/wraptest"
	"github.com/ltxstore/ltxstore/mock"
	"github.com/ltxstore/ltxstore/testing/replicatest"
	"github.com/ltxstore/ltxstore/wrap/crypt"
)

var at = time.Date(2024, 5, 6, 7, 8, 9, 123_000_000, time.UTC)

// replica is a bucket, the keys to it, and how to get at what is in it.
type replica struct {
	*mock.Store
	keys backend.Keys
	id   *age.X25519Identity
}

func newReplica(t testing.TB) *replica {
	keys, err := backend.NewKeys(ltxstore.LayoutDefault, "")
	require.NoError(t, err)
	return &replica{mock.NewStore(), keys, newIdentity(t)}
}

func newIdentity(t testing.TB) *age.X25519Identity {
	id, err := age.GenerateX25519Identity()
	require.NoError(t, err)
	return id
}

// config is one of a client that reads and writes.
func (r *replica) config() crypt.Config {
	return crypt.Config{Recipients: []string{r.id.Recipient().String()}, Identities: []crypt.Identity{crypt.Identity(r.id.String())}}
}

func (r *replica) client(cfg crypt.Config) *crypt.Client {
	next := mock.NewReplicaClient(mock.Config{Store: r.Store})
	next.SetLogger(nil)
	return crypt.New(next, cfg)
}

func (r *replica) key(id ltx.TXID) string { return r.keys.File(0, id, id) }

func (r *replica) stored(t testing.TB, id ltx.TXID) []byte {
	o, ok := r.Get(r.key(id))
	require.True(t, ok)
	return o.Body
}

func noise(size int) []byte {
	return bytes.Repeat([]byte("seventeen bytes, "), size/17+1)[:size]
}

// byAge encrypts as the age program does.
func byAge(t testing.TB, body []byte, to ...age.Recipient) []byte {
	var b bytes.Buffer
	w, err := age.Encrypt(&b, to...)
	require.NoError(t, err)
	_, err = w.Write(body)
	require.NoError(t, err)
	require.NoError(t, w.Close())
	return b.Bytes()
}

// The age library, and so the age program, decrypts every file; nothing of the
// body is in it as it was.
func TestFilesAreAge(t *testing.T) {
	r := newReplica(t)
	for i, size := range []int{1, 100, 65535, 65536, 65537, 131072, 200_000} {
		id, body := ltx.TXID(i+1), noise(size)
		info := wraptest.Write(t, r.client(r.config()), id, body)
		assert.EqualValues(t, size, info.Size)
		stored := r.stored(t, id)
		chunks := (size + 65535) / 65536
		assert.Len(t, stored, 4096+16+size+16*chunks)
		if size > 20 {
			assert.NotContains(t, string(stored), "seventeen")
		}
		plain, err := age.Decrypt(bytes.NewReader(stored), r.id)
		require.NoError(t, err)
		got, err := io.ReadAll(plain)
		require.NoError(t, err)
		assert.True(t, bytes.Equal(body, got))
	}
}

// Every kind and number of recipients gives a header of the same size, and each
// identity reads the file.
func TestRecipients(t *testing.T) {
	hybrid, err := age.GenerateHybridIdentity()
	require.NoError(t, err)
	hybrid2, err := age.GenerateHybridIdentity()
	require.NoError(t, err)
	a, b, c := newIdentity(t), newIdentity(t), newIdentity(t)
	x := func(ids ...*age.X25519Identity) (s []string) {
		for _, id := range ids {
			s = append(s, id.Recipient().String())
		}
		return s
	}
	for _, tt := range []struct {
		recipients []string
		identities []string
	}{
		{x(a), []string{a.String()}},
		{x(a, b, c), []string{a.String(), b.String(), c.String(), hybrid.String() + "\n# and\n" + c.String()}},
		{[]string{"# two lines\n" + a.Recipient().String() + "\n" + b.Recipient().String() + "\n"}, []string{b.String()}},
		{[]string{hybrid.Recipient().String()}, []string{hybrid.String()}},
		{[]string{hybrid.Recipient().String(), hybrid2.Recipient().String()}, []string{hybrid.String(), hybrid2.String(), a.String() + "\n" + hybrid2.String()}},
	} {
		r := newReplica(t)
		body := replicatest.NewLTXFile(6, 6, at, 2)
		writer := r.client(crypt.Config{Recipients: tt.recipients})
		wraptest.Write(t, writer, 6, body)
		header, err := age.ExtractHeader(bytes.NewReader(r.stored(t, 6)))
		require.NoError(t, err)
		assert.Len(t, header, 4096)
		for _, id := range tt.identities {
			got, err := wraptest.Read(t.Context(), r.client(crypt.Config{Identities: []crypt.Identity{crypt.Identity(id)}}), 6, 0, 0)
			require.NoError(t, err)
			assert.True(t, bytes.Equal(body, got))
		}
		_, err = wraptest.Read(t.Context(), r.client(crypt.Config{Identities: []crypt.Identity{crypt.Identity(newIdentity(t).String())}}), 6, 0, 0)
		assert.ErrorIs(t, err, fs.ErrPermission)
		assert.ErrorContains(t, err, "Identities")
	}
}

// Old files are read with the old identity while new ones are written to the
// new recipient.
func TestRotation(t *testing.T) {
	r, next := newReplica(t), newIdentity(t)
	wraptest.Write(t, r.client(r.config()), 1, noise(100))
	cfg := crypt.Config{Recipients: []string{next.Recipient().String()},
		Identities: []crypt.Identity{crypt.Identity(next.String()), crypt.Identity(r.id.String())}}
	c := r.client(cfg)
	wraptest.Write(t, c, 2, noise(200))
	for id, size := range map[ltx.TXID]int{1: 100, 2: 200} {
		got, err := wraptest.Read(t.Context(), c, id, 0, 0)
		require.NoError(t, err)
		assert.Equal(t, noise(size), got)
	}
	_, err := wraptest.Read(t.Context(), r.client(r.config()), 2, 0, 0)
	assert.ErrorIs(t, err, fs.ErrPermission, "the old identity alone")
}

func TestRanges(t *testing.T) {
	r := newReplica(t)
	const size = 65536*3 + 1000
	body := noise(size)
	wraptest.Write(t, r.client(r.config()), 1, body)
	wraptest.Write(t, r.client(r.config()), 2, body[:65536*2]) // the last chunk is full
	for _, c := range []*crypt.Client{r.client(r.config()), func() *crypt.Client {
		cfg := r.config()
		cfg.CacheSize = 1
		return r.client(cfg)
	}()} {
		for id := ltx.TXID(1); id <= 2; id++ {
			body := body
			if id == 2 {
				body = body[:65536*2]
			}
			n := int64(len(body))
			for _, offset := range []int64{0, 65535, 65536, 131_071, n - 1, n, 1 << 40, 1<<63 - 1} {
				for _, size := range []int64{0, 1, 65536, 65537, 150_000, 1<<63 - 1} {
					got, err := wraptest.Read(t.Context(), c, id, offset, size)
					require.NoError(t, err, "file %d: %d from %d", id, size, offset)
					want := body[min(offset, n):]
					if size > 0 {
						want = want[:min(size, int64(len(want)))]
					}
					require.True(t, bytes.Equal(want, got), "file %d: %d from %d: %d bytes", id, size, offset, len(got))
				}
			}
		}
	}
}

// Sizes follow from the listing; times cost one read, once; ranges one request
// when the key is known.
func TestRequests(t *testing.T) {
	r := newReplica(t)
	writer := r.client(r.config())
	const n = 20
	for id := range ltx.TXID(n) {
		wraptest.Write(t, writer, id+1, replicatest.NewLTXFile(id+1, id+1, at, int(id)*2+1))
	}
	requests := func(do func()) int64 {
		before := r.Requests()
		do()
		return r.Requests() - before
	}
	c := r.client(r.config())
	for _, lister := range []*crypt.Client{c, r.client(crypt.Config{Recipients: r.config().Recipients})} {
		assert.EqualValues(t, 1, requests(func() {
			for i, info := range wraptest.List(t, lister, false) {
				assert.EqualValues(t, len(replicatest.NewLTXFile(info.MinTXID, info.MaxTXID, at, i*2+1)), info.Size)
			}
		}))
	}
	var infos []*ltx.FileInfo
	assert.EqualValues(t, 1+n, requests(func() { infos = wraptest.List(t, c, true) }))
	for _, info := range infos {
		assert.Equal(t, at, info.CreatedAt)
	}
	assert.EqualValues(t, 1, requests(func() { assert.Equal(t, infos, wraptest.List(t, c, true)) }))
	assert.EqualValues(t, 1, requests(func() { assert.Equal(t, infos, wraptest.List(t, writer, true)) }), "written by this client")
	last := infos[n-1].MinTXID
	assert.EqualValues(t, 1, requests(func() {
		_, err := wraptest.Read(t.Context(), c, last, 100_000, 4096)
		require.NoError(t, err)
	}))
	fresh := r.client(r.config())
	assert.EqualValues(t, 2, requests(func() {
		_, err := wraptest.Read(t.Context(), fresh, last, 100_000, 4096)
		require.NoError(t, err)
	}), "header and chunk")
	assert.EqualValues(t, 1, requests(func() {
		_, err := wraptest.Read(t.Context(), r.client(r.config()), last, 40_000, 4096)
		require.NoError(t, err)
	}), "the first chunk comes with the header")
}

// What another program encrypted, which is bound to no name, is refused.
func TestForeignFiles(t *testing.T) {
	r := newReplica(t)
	for _, size := range []int{1, 5000, 200_000} {
		r.Put(r.key(7), mock.Object{Body: byAge(t, noise(size), r.id.Recipient())})
		for _, span := range [][2]int64{{0, 0}, {0, 1}, {70_000, 10}} {
			_, err := wraptest.Read(t.Context(), r.client(r.config()), 7, span[0], span[1])
			assert.ErrorIs(t, err, ltxstore.ErrChecksum)
			assert.ErrorContains(t, err, "not written by this package")
		}
	}

	// Not even with as many bytes before its payload as one of ours has.
	theirs := byAge(t, noise(100), r.id.Recipient())
	header, err := age.ExtractHeader(bytes.NewReader(theirs))
	require.NoError(t, err)
	forged := append(append(bytes.Clone(header), make([]byte, 4096-len(header))...), theirs[len(header):]...)
	r.Put(r.key(7), mock.Object{Body: forged})
	_, err = wraptest.Read(t.Context(), r.client(r.config()), 7, 0, 0)
	assert.ErrorIs(t, err, ltxstore.ErrChecksum)
}

// Whatever byte of a file changes, wherever it is cut off, and under whatever
// other name it is put, that is found out.
func TestTampering(t *testing.T) {
	r := newReplica(t)
	cfg := r.config()
	c := r.client(cfg)
	wraptest.Write(t, c, 5, replicatest.NewLTXFile(5, 5, at, 1))
	stored := r.stored(t, 5)
	refused := func(id ltx.TXID, stored []byte, what string) {
		t.Helper()
		r.Put(r.key(id), mock.Object{Body: stored})
		_, err := wraptest.Read(t.Context(), r.client(cfg), id, 0, 0)
		require.ErrorIs(t, err, ltxstore.ErrChecksum, what)
		require.False(t, ltxstore.IsRetryable(err))
		_, err = wraptest.Read(t.Context(), c, id, 0, 0)
		require.ErrorIs(t, err, ltxstore.ErrChecksum, what)
	}
	for i := range stored {
		if i > 130 && i < len(stored)-32 && i%61 != 0 {
			continue
		}
		damaged := bytes.Clone(stored)
		damaged[i] ^= 1
		refused(5, damaged, fmt.Sprintf("byte %d changed", i))
	}
	for n := 1; n < len(stored); n += 1 + min(n, 40)*(n%50)/20 {
		refused(5, stored[:n], fmt.Sprintf("cut off at %d of %d", n, len(stored)))
	}
	refused(5, append(bytes.Clone(stored), 0), "one byte more")
	refused(5, []byte("LTX1 is not encrypted"), "plain text")
	refused(5, replicatest.NewLTXFile(5, 5, at, 1), "a plain LTX file")
	refused(5, []byte("-----BEGIN AGE ENCRYPTED FILE-----\n"), "armor")
	refused(6, stored, "moved")
	r.Put(r.keys.File(1, 5, 5), mock.Object{Body: stored})
	rc, err := c.OpenLTXFile(t.Context(), 1, 5, 5, 0, 0)
	assert.Nil(t, rc)
	assert.ErrorIs(t, err, ltxstore.ErrChecksum, "another level")
	_, err = ltxstore.FindLTXFiles(t.Context(), r.client(cfg), 0, true, func(*ltx.FileInfo) (bool, error) { return true, nil })
	assert.ErrorIs(t, err, ltxstore.ErrChecksum, "also by a listing that reads headers")

	// Chunks of one file do not pass for those of another, nor for each other.
	wraptest.Write(t, c, 8, noise(65536*3))
	wraptest.Write(t, c, 9, noise(65536*3))
	a, b := r.stored(t, 8), r.stored(t, 9)
	const first, chunk = 4096 + 16, 65536 + 16
	mixed := append(bytes.Clone(a[:first+chunk]), b[first+chunk:]...)
	refused(8, mixed, "chunks of another file")
	refused(8, append(bytes.Clone(a), 0), "one byte more after a full chunk")
	refused(8, append(bytes.Clone(a), make([]byte, chunk)...), "one chunk more")
	swapped := bytes.Clone(a)
	copy(swapped[first:], a[first+chunk:first+2*chunk])
	copy(swapped[first+chunk:], a[first:first+chunk])
	refused(8, swapped, "chunks in another order")

	// A file that is cut off between two chunks, read past there.
	r.Put(r.key(9), mock.Object{Body: b[:first+2*chunk]})
	for _, c := range []*crypt.Client{c, r.client(cfg)} {
		for _, span := range [][2]int64{{0, 0}, {70_000, 0}, {70_000, 100_000}, {131_072, 10}, {131_072, 0}, {140_000, 5}, {1 << 40, 1}} {
			_, err := wraptest.Read(t.Context(), c, 9, span[0], span[1])
			require.ErrorIs(t, err, ltxstore.ErrChecksum, "%v", span)
		}
		got, err := wraptest.Read(t.Context(), c, 9, 70_000, 10)
		require.NoError(t, err, "what comes before is authentic")
		assert.Equal(t, noise(65536 * 3)[70_000:70_010], got)
	}
}

// A client that knows a file's key finds out that another process has replaced
// the file.
func TestReplacedFile(t *testing.T) {
	r := newReplica(t)
	c := r.client(r.config())
	wraptest.Write(t, c, 3, noise(200_000))
	_, err := wraptest.Read(t.Context(), c, 3, 100_000, 10)
	require.NoError(t, err)
	newer := bytes.ToUpper(noise(300_000))
	wraptest.Write(t, r.client(r.config()), 3, newer)
	for _, span := range [][2]int64{{100_000, 5000}, {250_000, 10}, {299_990, 100}} {
		got, err := wraptest.Read(t.Context(), c, 3, span[0], span[1])
		require.NoError(t, err)
		assert.Equal(t, newer[span[0]:min(span[0]+span[1], 300_000)], got)
	}
}

// With recipients alone files are written, listed and deleted, and not read; with
// identities alone the other way round.
func TestHalfConfigurations(t *testing.T) {
	r := newReplica(t)
	writer := r.client(crypt.Config{Recipients: r.config().Recipients})
	wraptest.Write(t, writer, 1, noise(50))
	_, err := wraptest.Read(t.Context(), writer, 1, 0, 0)
	assert.ErrorIs(t, err, errors.ErrUnsupported)
	assert.ErrorContains(t, err, "Identities")
	_, err = writer.LTXFiles(t.Context(), 0, 0, true)
	assert.ErrorIs(t, err, errors.ErrUnsupported)
	assert.EqualValues(t, 50, wraptest.List(t, writer, false)[0].Size)

	reader := r.client(crypt.Config{Identities: r.config().Identities})
	got, err := wraptest.Read(t.Context(), reader, 1, 0, 0)
	require.NoError(t, err)
	assert.Equal(t, noise(50), got)
	before := r.Requests()
	_, err = reader.WriteLTXFile(t.Context(), 0, 2, 2, bytes.NewReader(noise(50)))
	assert.ErrorIs(t, err, errors.ErrUnsupported)
	assert.ErrorContains(t, err, "Recipients")
	assert.Equal(t, before, r.Requests(), "nothing is sent")
	require.NoError(t, writer.DeleteLTXFiles(t.Context(), []*ltx.FileInfo{{MinTXID: 1, MaxTXID: 1}}))
	assert.Empty(t, wraptest.List(t, reader, false))
}

func TestInvalidConfig(t *testing.T) {
	id, hybrid := newIdentity(t), ""
	if h, err := age.GenerateHybridIdentity(); assert.NoError(t, err) {
		hybrid = h.Recipient().String()
	}
	x := id.Recipient().String()
	for field, cfg := range map[string]crypt.Config{
		"Recipients":          {},
		"Recipients ":         {Recipients: []string{x, hybrid}},
		"Recipients[0]":       {Recipients: []string{"age1nonsense"}},
		"Recipients[1]":       {Recipients: []string{x, "ssh-ed25519 AAAA"}},
		"Recipients[0] ":      {Recipients: []string{id.String()}},
		"Recipients[0]  ":     {Recipients: []string{""}},
		"Identities[0]":       {Identities: []crypt.Identity{crypt.Identity(id.String()[:70])}},
		"Identities[1]":       {Identities: []crypt.Identity{crypt.Identity(id.String()), crypt.Identity(x)}},
		"Identities[0] ":      {Recipients: []string{x}, Identities: []crypt.Identity{"AGE-PLUGIN-YUBIKEY-1QQQQ"}},
		"Recipients  ":        {Recipients: []string{hybrid, hybrid, hybrid}},
		"Recipients   ":       {Recipients: slices.Repeat([]string{x}, 41)},
		"MetadataConcurrency": {Recipients: []string{x}, MetadataConcurrency: -1},
		"CacheSize":           {Recipients: []string{x}, CacheSize: -1},
	} {
		r := newReplica(t)
		c := r.client(cfg)
		_, writeErr := c.WriteLTXFile(t.Context(), 0, 1, 1, bytes.NewReader(noise(10)))
		_, readErr := wraptest.Read(t.Context(), c, 1, 0, 0)
		_, listErr := c.LTXFiles(t.Context(), 0, 0, false)
		for _, err := range []error{c.Init(t.Context()), writeErr, readErr, listErr,
			c.DeleteLTXFiles(t.Context(), nil), c.DeleteAll(t.Context())} {
			require.ErrorIs(t, err, fs.ErrInvalid, field)
			assert.ErrorContains(t, err, strings.TrimSpace(field)+" is ")
			assert.NotContains(t, err.Error(), id.String()[20:60], "the key is not shown")
		}
		assert.Zero(t, r.Requests())
	}
}

// As many recipients as are documented fit, with every name and time.
func TestManyRecipients(t *testing.T) {
	r := newReplica(t)
	hybrid, err := age.GenerateHybridIdentity()
	require.NoError(t, err)
	for _, recipients := range [][]string{slices.Repeat([]string{r.id.Recipient().String()}, 30), slices.Repeat([]string{hybrid.Recipient().String()}, 2)} {
		c := r.client(crypt.Config{Recipients: recipients, Identities: []crypt.Identity{crypt.Identity(r.id.String()), crypt.Identity(hybrid.String())}})
		body := replicatest.NewLTXFile(1, 1<<63, time.UnixMilli(253402300799999), 1)
		_, err := c.WriteLTXFile(t.Context(), ltxstore.MaxLevel, 1, 1<<63, bytes.NewReader(body))
		require.NoError(t, err)
		rc, err := c.OpenLTXFile(t.Context(), ltxstore.MaxLevel, 1, 1<<63, 0, 0)
		require.NoError(t, err)
		got, err := io.ReadAll(rc)
		require.NoError(t, errors.Join(err, rc.Close()))
		assert.True(t, bytes.Equal(body, got))
	}
}

// No way to print, log or encode a configuration or a client shows a key.
func TestKeysAreNotShown(t *testing.T) {
	r := newReplica(t)
	cfg := r.config()
	c := r.client(cfg)
	require.NoError(t, c.Init(t.Context()))
	var texts []string
	for _, v := range []any{cfg, &cfg, cfg.Identities, cfg.Identities[0], &cfg.Identities[0], c, struct{ c any }{c}} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d"} {
			texts = append(texts, fmt.Sprintf(verb, v))
		}
		b, err := json.Marshal(v)
		require.NoError(t, err)
		texts = append(texts, string(b))
		var log bytes.Buffer
		slog.New(slog.NewTextHandler(&log, nil)).Info("x", "v", v)
		slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "v", v)
		texts = append(texts, log.String())
	}
	secret := r.id.String()
	for _, text := range texts {
		for _, part := range []string{secret, secret[15:40], fmt.Sprintf("%x", secret[15:40]), fmt.Sprintf("%X", secret[15:40]), strings.ToLower(secret[15:40])} {
			assert.NotContains(t, text, part)
		}
	}
	assert.Contains(t, texts[0], "redacted")
	var parsed crypt.Config
	require.NoError(t, json.Unmarshal([]byte(`{"Identities":["`+secret+`"]}`), &parsed))
	assert.Equal(t, cfg.Identities, parsed.Identities, "a configuration can be read, not written")
}

// Optional abilities lead through the wrapper.
func TestAbilities(t *testing.T) {
	next := mock.NewReplicaClient(mock.Config{})
	next.SetLogger(nil)
	require.NoError(t, next.Inject(mock.Fault{Op: mock.OpInit, Err: io.ErrClosedPipe}, mock.Fault{Op: mock.OpClose, Err: io.ErrNoProgress}))
	c := crypt.New(next, newReplica(t).config())
	assert.Equal(t, "mock", c.Type())
	assert.Same(t, next, c.Unwrap())
	assert.ErrorIs(t, ltxstore.Init(t.Context(), c), io.ErrClosedPipe)
	assert.ErrorIs(t, ltxstore.Close(c), io.ErrNoProgress)
	c.SetLogger(nil)
	require.NoError(t, c.Close())
}

// A body of known size has one for the next client, too: that of what is stored.
func TestSizeIsTold(t *testing.T) {
	r := newReplica(t)
	for _, size := range []int{1, 65535, 65536, 65537, 3 * 65536} {
		next := mock.NewReplicaClient(mock.Config{Store: r.Store})
		next.SetLogger(nil)
		told := -1
		next.WriteLTXFileFunc = func(ctx context.Context, level int, minTXID, maxTXID ltx.TXID, body io.Reader) (*ltx.FileInfo, error) {
			told = -1
			if sized, ok := body.(interface{ Len() int }); ok {
				told = sized.Len()
			}
			return next.Default().WriteLTXFile(ctx, level, minTXID, maxTXID, body)
		}
		c := crypt.New(next, r.config())
		for _, body := range []io.Reader{bytes.NewReader(noise(size)), bytes.NewBuffer(noise(size))} {
			_, err := c.WriteLTXFile(t.Context(), 0, 1, 1, body)
			require.NoError(t, err)
			assert.Equal(t, len(r.stored(t, 1)), told)
		}
		_, err := c.WriteLTXFile(t.Context(), 0, 1, 1, struct{ io.Reader }{bytes.NewReader(noise(size))})
		require.NoError(t, err)
		assert.Equal(t, -1, told)
	}
}
