package main

import (
	"io"
	"net/http/httptest"
	"testing"

	"github.com/fsouza/fake-gcs-server/fakestorage"
	"github.com/stretchr/testify/require"
)

// TestGCS runs the command against a server that speaks Google's API, under
// both of its schemes.
func TestGCS(t *testing.T) {
	front := httptest.NewUnstartedServer(nil)
	host := front.Listener.Addr().String()
	server, err := fakestorage.NewServerWithOptions(fakestorage.Options{
		Scheme: "http", NoListener: true, PublicHost: host, ExternalURL: "http://" + host, Writer: io.Discard,
	})
	require.NoError(t, err)
	front.Config.Handler = server.HTTPHandler()
	front.Start()
	t.Cleanup(server.Stop)
	t.Cleanup(front.Close)
	server.CreateBucketWithOpts(fakestorage.CreateBucketOpts{Name: "interop"})
	t.Setenv("STORAGE_EMULATOR_HOST", front.URL)

	for _, scheme := range []string{"gs", "gcs"} {
		var out buffer
		code, stderr, left := command(t, t.Context(), &out, "-duration", "1200ms", "-layout", "litestream", "-replica", scheme+"://interop/some/"+scheme)
		require.Zero(t, code, stderr)
		require.Empty(t, stderr)
		require.Empty(t, left)
		require.Contains(t, out.String(), "OK  ")
		found, err := server.ListObjectsWithOptionsPaginated("interop", fakestorage.ListOptions{Prefix: "some/" + scheme + "/ltx/0/"})
		require.NoError(t, err)
		require.NotEmpty(t, found.Objects)
	}
}
