package transport_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/backend/object"
	"github.com/ltxstore/ltxstore/backend/transport"
)

func TestCheckListing(t *testing.T) {
	page := object.Page{Objects: []object.Object{{Key: "a/1"}, {Key: "a/2"}}, Next: "token"}
	assert.NoError(t, transport.CheckListing("b", "a/", "b", "a/", page))
	assert.NoError(t, transport.CheckListing("b", "", "b", "", page))
	for want, err := range map[string]error{
		`listing of "a/" in the bucket "other": want "a/"`: transport.CheckListing("b", "a/", "other", "a/", page),
		`listing of "" in the bucket "b": want "a/"`:       transport.CheckListing("b", "a/", "b", "", page),
		`listing of "a/" contains "c"`:                     transport.CheckListing("b", "a/", "b", "a/", object.Page{Objects: []object.Object{{Key: "a/1"}, {Key: "c"}}}),
	} {
		assert.ErrorIs(t, err, ltxstore.ErrUnavailable)
		assert.ErrorContains(t, err, want)
	}
}
