package checksum

import (
	"testing"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/internal/testkit/wraptest"
	_ "github.com/ltxstore/ltxstore/mock"
)

func TestURLAndFileAgree(t *testing.T) {
	configOf := func(client ltxstore.ReplicaClient) Config { return client.(*Client).cfg }
	wraptest.Settings(t, wrapper, configOf, new(Config{}), map[[2]string]Config{
		{"read-back", "true"}:    {ReadBack: true},
		{"other-bodies", "true"}: {OtherBodies: true},
	})
}
