package settings

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestSecrets(t *testing.T) {
	type inner struct {
		Password string `ltx:"password,secret"`
		User     string `ltx:"user"`
	}
	type config struct {
		Key    []byte `ltx:"key,base64,secret"`
		Public string `ltx:"public"`
		Inner  inner  `ltx:"inner"`
		Others []any  `ltx:"others,kind=list,secret"`
		Logger any    `ltx:"-"`
	}
	cfg := config{Key: []byte("bytes of a key"), Public: "shown", Inner: inner{Password: "p", User: "u"}, Others: []any{"other"}}
	assert.Equal(t, []string{"bytes of a key", "p"}, Secrets(cfg))
	assert.Equal(t, []string{"", ""}, Secrets(config{}), "scrub.Secrets ignores them")
}
