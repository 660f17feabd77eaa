package settings

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

// table is one that can be told from others.
type table int

func (table) Names() []string                    { return nil }
func (table) Lookup(string) (string, bool, bool) { return "", false, false }
func (table) Markdown() string                   { return "" }

func TestRegistry(t *testing.T) {
	r := &Registry{what: "scheme"}
	assert.Empty(t, r.Names())
	assert.Nil(t, r.Get("gs"))
	r.Add(table(1), "s3")
	r.Add(table(2), "gcs", "gs")
	assert.Equal(t, []Table{table(1), table(2), table(2), nil}, []Table{r.Get("s3"), r.Get("gcs"), r.Get("gs"), r.Get("gone")})
	assert.Equal(t, []string{"gcs", "gcs", ""}, []string{r.First("gcs"), r.First("gs"), r.First("gone")})
	assert.Equal(t, []string{"gcs", "s3"}, r.Names())
	assert.Equal(t, []string{"gcs", "gs", "s3"}, r.All())
	for why, add := range map[string]func(){
		"ltxstore: scheme gs is registered twice, or has a dot in its name":  func() { r.Add(table(3), "new", "gs") },
		"ltxstore: scheme a.b is registered twice, or has a dot in its name": func() { r.Add(table(3), "a.b") },
		"ltxstore: scheme nil without a driver":                              func() { r.Add(nil, "nil") },
	} {
		assert.PanicsWithValue(t, why, add)
	}
}
