package main

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ltxstore/ltxstore/interop/servers"
)

// TestS3 runs the command against a real server, over TLS.
func TestS3(t *testing.T) {
	server := servers.Versitygw(t, true)
	bucket := server.NewBucket(t)
	t.Setenv("AWS_ACCESS_KEY_ID", server.AccessKey)
	t.Setenv("AWS_SECRET_ACCESS_KEY", server.SecretKey)
	t.Setenv("AWS_CA_BUNDLE", server.CABundle)
	t.Setenv("AWS_SESSION_TOKEN", "") // whatever else is set up here
	t.Setenv("AWS_PROFILE", "")
	replica := "s3://" + bucket.Name + "/some/db?endpoint=" + server.Endpoint + "&region=" + server.Region

	var out buffer
	code, stderr, left := command(t, t.Context(), &out, "-duration", "1200ms", "-layout", "litestream-s3", "-replica", replica)
	require.Zero(t, code, stderr)
	require.Empty(t, stderr)
	require.Empty(t, left)
	require.Contains(t, out.String(), "(s3, layout litestream-s3)")
	require.Contains(t, out.String(), "OK  ")
	require.NotContains(t, out.String(), server.SecretKey)
	keys, err := bucket.Keys(t.Context(), "some/db/0000/")
	require.NoError(t, err)
	require.NotEmpty(t, keys)

	t.Setenv("AWS_SECRET_ACCESS_KEY", "wrong")
	code, stderr, _ = command(t, t.Context(), &out, "-duration", "1s", "-replica", replica)
	require.Equal(t, 1, code)
	require.Contains(t, stderr, "permission denied: SignatureDoesNotMatch: ")
}
