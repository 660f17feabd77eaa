package wraptest

import (
	"errors"
	"io/fs"
	"strings"
	"testing"

	"github.com/ltxstore/ltxstore"
)

// Refused sees Init and every method of a client fail with fs.ErrInvalid and a
// text that has want: so a wrapper tells what is wrong with its Config, as New
// cannot fail.
func Refused(t *testing.T, client ltxstore.ReplicaClient, want string) {
	t.Helper()
	ctx := t.Context()
	_, listErr := client.LTXFiles(ctx, 0, 0, false)
	_, openErr := client.OpenLTXFile(ctx, 0, 1, 1, 0, 0)
	_, writeErr := client.WriteLTXFile(ctx, 0, 1, 1, strings.NewReader("body"))
	for what, err := range map[string]error{
		"init": ltxstore.Init(ctx, client), "list": listErr, "open": openErr, "write": writeErr,
		"delete": client.DeleteLTXFiles(ctx, nil), "delete all": client.DeleteAll(ctx),
	} {
		if !errors.Is(err, fs.ErrInvalid) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error is %v: want fs.ErrInvalid with %q", what, err, want)
		}
	}
}
