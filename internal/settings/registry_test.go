package settings

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestRegistry(t *testing.T) {
	r := &Registry{what: "scheme"}
	assert.Empty(t, r.Names())
	assert.Nil(t, r.Get("gs"))
	r.Add(1, "s3")
	r.Add(2, "gcs", "gs")
	assert.Equal(t, []any{1, 2, 2, nil}, []any{r.Get("s3"), r.Get("gcs"), r.Get("gs"), r.Get("gone")})
	assert.Equal(t, []string{"gcs", "gcs", ""}, []string{r.First("gcs"), r.First("gs"), r.First("gone")})
	assert.Equal(t, []string{"gcs", "s3"}, r.Names())
	assert.Equal(t, []string{"gcs", "gs", "s3"}, r.All())
	for why, add := range map[string]func(){
		"ltxstore: scheme gs is registered twice, or has a dot in its name":  func() { r.Add(3, "new", "gs") },
		"ltxstore: scheme a.b is registered twice, or has a dot in its name": func() { r.Add(3, "a.b") },
		"ltxstore: scheme nil without a driver":                              func() { r.Add(nil, "nil") },
	} {
		assert.PanicsWithValue(t, why, add)
	}
}
