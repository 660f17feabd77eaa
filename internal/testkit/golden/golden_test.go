package golden_test

import (
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ltxstore/ltxstore/internal/testkit/golden"
)

func record(t *testing.T, header string) string {
	tr := &golden.Transport{
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			body, _ := io.ReadAll(r.Body)
			_, _ = io.WriteString(w, r.Host+" "+string(body))
		}),
		Hide: []golden.Hidden{{Pattern: regexp.MustCompile(`id-\d+`), With: "<id>"}},
	}
	tr.Title("write %d", 1)
	for _, body := range []string{"a\nb", strings.Repeat("x", 3000)} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPut, "https://h.example/p%2Fq?b=2&a=id-17", strings.NewReader(body))
		require.NoError(t, err)
		req.Header.Set("X-Kept", header)
		req.Header.Set("X-Changing", "id-4711")
		resp, err := (&http.Client{Transport: tr}).Do(req)
		require.NoError(t, err)
		got, err := io.ReadAll(resp.Body)
		require.NoError(t, err)
		assert.Equal(t, "h.example "+body, string(got))
	}
	return tr.Text()
}

func TestTransport(t *testing.T) {
	assert.Equal(t, `=== write 1

PUT https://h.example/p%2Fq
  ? a=<id>
  ? b=2
  X-Changing: <id>
  X-Kept: v
  (Content-Length: 3)
  > a
    b

PUT https://h.example/p%2Fq
  ? a=<id>
  ? b=2
  X-Changing: <id>
  X-Kept: v
  (Content-Length: 3000)
  > 3000 bytes

`, record(t, "v"))
}

func TestCompare(t *testing.T) {
	t.Chdir(t.TempDir())
	text := record(t, "v")
	assert.ErrorContains(t, golden.Compare("x", text, false), "-update")
	require.NoError(t, golden.Compare("x", text, true))
	written, err := os.ReadFile(filepath.Join("testdata", "golden", "x.txt"))
	require.NoError(t, err)
	assert.Equal(t, text, string(written))
	require.NoError(t, golden.Compare("x", text, false))

	err = golden.Compare("x", record(t, "w"), false)
	require.Error(t, err)
	for _, line := range []string{"=== write 1", "  PUT https://h.example/p%2Fq", "-   X-Kept: v", "+   X-Kept: w"} {
		assert.ErrorContains(t, err, line)
	}
	assert.NotContains(t, err.Error(), "X-Changing")
}
