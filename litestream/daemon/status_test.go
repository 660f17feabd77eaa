package daemon

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/net/html"
)

func get(t *testing.T, d *Daemon, path string) (code int, body string) {
	t.Helper()
	w := httptest.NewRecorder()
	d.Handler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
	return w.Code, w.Body.String()
}

// visible returns the texts of a page, a line for each row of a table.
func visible(t *testing.T, page string) string {
	t.Helper()
	root, err := html.Parse(strings.NewReader(page))
	require.NoError(t, err)
	var b strings.Builder
	var walk func(n *html.Node)
	walk = func(n *html.Node) {
		if n.Type == html.ElementNode && (n.Data == "style" || n.Data == "head") {
			return
		}
		if n.Type == html.TextNode {
			b.WriteString(strings.TrimSpace(n.Data) + " ")
		}
		for c := n.FirstChild; c != nil; c = c.NextSibling {
			walk(c)
		}
		if n.Type == html.ElementNode && (n.Data == "tr" || n.Data == "h2" || n.Data == "h1") {
			b.WriteString("\n")
		}
	}
	walk(root)
	return b.String()
}

func TestStatusOfHealthyDatabase(t *testing.T) {
	g := newGround(t)
	g.exec("app.db", `CREATE TABLE t (x); INSERT INTO t VALUES (1)`)
	d := g.open(`
addr: 127.0.0.1:0
validation: {interval: 24h, read: true}
dbs: [{path: $DIR/app.db, replicas: [{path: $DIR/a}, {url: "file://$DIR/b"}]}]
`)
	g.eventually(func() bool { return d.Status().Healthy }, "replicated")
	d.Validate(t.Context())

	code, body := get(t, d, "/health")
	assert.Equal(t, http.StatusOK, code, body)
	assert.JSONEq(t, `{"healthy": true, "problems": {}}`, body)

	response, err := http.Get("http://" + d.Addr().String() + "/status")
	require.NoError(t, err)
	var status Status
	require.NoError(t, json.NewDecoder(response.Body).Decode(&status))
	require.NoError(t, response.Body.Close())
	require.Len(t, status.Databases, 1)
	db := status.Databases[0]
	assert.Equal(t, g.path("app.db"), db.Path)
	assert.Positive(t, db.TXID)
	assert.Equal(t, db.TXID, db.Window.TXID)
	assert.False(t, db.Window.Oldest.IsZero())
	assert.False(t, db.Window.Newest.Before(db.Window.Oldest))
	assert.True(t, db.Check.OK && db.Check.Read)
	assert.Len(t, db.Replicas, 2)

	code, body = get(t, d, "/")
	assert.Equal(t, http.StatusOK, code)
	text := visible(t, body)
	for _, want := range []string{"ltxstored: healthy", "1 database", g.path("app.db") + " healthy", "Position " + db.TXID.String(),
		"Lag none", "file://" + g.path("b"), "Can be restored 20", "transaction " + db.TXID.String(), "Last check sound", "all files read"} {
		assert.Contains(t, text, want)
	}
	assert.NotContains(t, text, "Problem")

	_, body = get(t, d, "/metrics")
	for _, want := range []string{`litestream_txid{db="` + g.path("app.db") + `"}`, `litestream_replica_operation_total{operation="PUT",replica_type="file"}`,
		`litestream_validation_checks_total{db="` + g.path("app.db") + `",level="0",result="success"} 1`,
		`litestream_last_validation_success{db="` + g.path("app.db") + `",level="0"} 1`} {
		contains(t, body, want)
	}
	code, _ = get(t, d, "/other")
	assert.Equal(t, http.StatusNotFound, code)
}

func TestCheckIsDue(t *testing.T) {
	ago := func(d time.Duration) time.Time { return time.Now().Add(-d) }
	assert.False(t, Check{}.due(ago(time.Minute), time.Hour))
	assert.True(t, Check{}.due(ago(time.Hour), time.Hour), "the first")
	assert.False(t, Check{At: ago(time.Minute)}.due(ago(2*time.Hour), time.Hour))
	assert.True(t, Check{At: ago(time.Hour)}.due(ago(2*time.Hour), time.Hour))
	assert.True(t, Check{At: ago(time.Minute), unmade: true}.due(ago(2*time.Hour), time.Hour))
}

// What fails is told everywhere, and passes.
func TestStatusOfFailingReplica(t *testing.T) {
	g := newGround(t)
	require.NoError(t, os.Mkdir(g.path("r"), 0o755))
	g.exec("app.db", `CREATE TABLE t (x)`)
	d := g.open(`dbs: [{path: $DIR/app.db, replica: {url: "file://$DIR/r", must-exist: true}}]`)
	_, _ = get(t, d, "/")
	g.eventually(func() bool { return d.Status().Healthy }, "replicated")
	_, body := get(t, d, "/")
	assert.NotContains(t, visible(t, body), "nothing yet", "though nothing was there a moment ago")

	require.NoError(t, os.Rename(g.path("r"), g.path("away")))
	g.exec("app.db", `INSERT INTO t VALUES ('<script>')`)
	g.eventually(func() bool { return !d.Status().Healthy }, "the failure is seen")
	g.eventually(func() bool { return d.Status().Databases[0].Lag == 1 }, "what was replicated is remembered")
	d.Validate(t.Context())
	assert.Len(t, d.Status().Databases[0].Check.Findings, 1, "not one for each level")
	code, body := get(t, d, "/health")
	assert.Equal(t, http.StatusServiceUnavailable, code)
	assert.Contains(t, body, "store not found")
	_, body = get(t, d, "/")
	assert.Contains(t, visible(t, body), "ltxstored: 1 of 1 database with problems")
	assert.Contains(t, visible(t, body), "store not found")

	require.NoError(t, os.Rename(g.path("away"), g.path("r")))
	d.validateIf(t.Context(), func(c Check) bool { return c.due(d.started, 24*time.Hour) })
	g.eventually(func() bool { return d.Status().Healthy }, "it passes")
	code, _ = get(t, d, "/health")
	assert.Equal(t, http.StatusOK, code)
	_, body = get(t, d, "/")
	assert.Contains(t, visible(t, body), "last failure", "which is still told")
}

func TestStatusOfMissingDatabase(t *testing.T) {
	g := newGround(t)
	d := g.open(`dbs: [{path: $DIR/<b>.db, replica: {path: $DIR/r}}]`)
	code, body := get(t, d, "/health")
	assert.Equal(t, http.StatusServiceUnavailable, code)
	assert.Contains(t, body, "does not exist")
	_, body = get(t, d, "/")
	assert.NotContains(t, body, "<b>.db")
	assert.Contains(t, visible(t, body), "<b>.db problems")

	g.exec("<b>.db", `CREATE TABLE t (x)`)
	g.eventually(func() bool { return d.Status().Healthy }, "it appears")
}

// A check from listings, and one that reads, find what is wrong.
func TestValidateFindsDamage(t *testing.T) {
	for name, tc := range map[string]struct {
		read string
		harm func(t *testing.T, files []string)
		says string
	}{
		"gap":  {"false", func(t *testing.T, files []string) { require.NoError(t, os.Remove(files[1])) }, "gap"},
		"byte": {"true", func(t *testing.T, files []string) { flip(t, files[1]) }, files},
	} {
		t.Run(name, func(t *testing.T) {
			g := newGround(t)
			g.exec("app.db", `CREATE TABLE t (x)`)
			d := g.open(`
validation: {interval: 24h, read: ` + tc.read + `}
levels: [{interval: 24h}]
dbs: [{path: $DIR/app.db, replica: {path: $DIR/r}}]`)
			for n := 1; n < 4; n++ {
				g.eventually(func() bool { return len(mustGlob(t, g.path("r/ltx/0/*.ltx"))) >= n }, "replicated")
				g.exec("app.db", `INSERT INTO t VALUES (1)`)
			}
			g.eventually(func() bool { return len(mustGlob(t, g.path("r/ltx/0/*.ltx"))) >= 4 }, "replicated")
			d.Validate(t.Context())
			require.True(t, d.Status().Databases[0].Check.OK, d.Status().Databases[0].Check)

			tc.harm(t, mustGlob(t, g.path("r/ltx/0/*.ltx")))
			d.Validate(t.Context())
			s := d.Status()
			require.False(t, s.Healthy)
			assert.False(t, s.Databases[0].Check.OK)
			assert.Contains(t, strings.Join(s.Databases[0].Check.Findings, "\n"), tc.says)
			assert.Contains(t, g.log.String(), "replica check failed")
			_, body := get(t, d, "/metrics")
			contains(t, body, `litestream_last_validation_success{db="`+g.path("app.db")+`",level="0"} 0`)
			contains(t, body, `litestream_validation_checks_total{db="`+g.path("app.db")+`",level="0",result="invalid"} 1`)
		})
	}
}

const files = "0000000000000002"

// flip changes a byte in the middle of a file.
func flip(t *testing.T, path string) {
	t.Helper()
	b, err := os.ReadFile(path)
	require.NoError(t, err)
	b[len(b)/2] ^= 1
	require.NoError(t, os.WriteFile(path, b, 0o600))
}

// contains is assert.Contains without the text, which is long.
func contains(t *testing.T, text, want string) {
	t.Helper()
	assert.True(t, strings.Contains(text, want), want)
}
