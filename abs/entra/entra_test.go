package entra_test

import (
	"context"
	"net/http"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/abs"
	"github.com/ltxstore/ltxstore/abs/entra"
	"github.com/ltxstore/ltxstore/backend/transport"
)

// without are the variables of the credentials that come before an identity.
var without = []string{"LITESTREAM_AZURE_ACCOUNT_KEY", "LITESTREAM_AZURE_SAS_TOKEN", "AZURE_STORAGE_CONNECTION_STRING", "AZURE_STORAGE_KEY", "AZURE_STORAGE_SAS_TOKEN"}

// A configuration without credentials has the environment's identity, which
// sends nothing before a request needs a token.
func TestDefault(t *testing.T) {
	for _, name := range without {
		t.Setenv(name, "")
	}
	client, err := ltxstore.Open(t.Context(), "abs://account@container/db")
	require.NoError(t, err)
	require.NoError(t, ltxstore.Init(t.Context(), client))
	require.NoError(t, ltxstore.Close(client))
	credential, err := entra.Default()
	require.NoError(t, err)
	assert.NotNil(t, credential)
}

// identity is a credential as azidentity's are, and who asked for its token.
type identity struct{ scopes []string }

func (i *identity) GetToken(_ context.Context, options policy.TokenRequestOptions) (azcore.AccessToken, error) {
	i.scopes = append(i.scopes, options.Scopes...)
	return azcore.AccessToken{Token: "a-token-of-the-test", ExpiresOn: time.Now().Add(time.Hour)}, nil
}

// sent answers that there is no blob, and keeps what it was sent.
type sent struct{ authorization string }

func (s *sent) RoundTrip(req *http.Request) (*http.Response, error) {
	s.authorization = req.Header.Get("Authorization")
	return &http.Response{StatusCode: 404, Header: http.Header{"X-Ms-Version": {"1"}, "X-Ms-Error-Code": {"BlobNotFound"}}, Body: http.NoBody, Request: req}, nil
}

// Requests have the token of the identity that was registered, asked for once.
func TestIdentity(t *testing.T) {
	for _, name := range without {
		t.Setenv(name, "")
	}
	defer abs.RegisterIdentity(entra.Default)
	of, wire := &identity{}, &sent{}
	abs.RegisterIdentity(func() (azcore.TokenCredential, error) { return of, nil })
	client := abs.NewReplicaClient(abs.Config{Account: "account", Bucket: "container", HTTP: transport.Options{RoundTripper: wire}})
	for range 2 {
		_, err := client.OpenLTXFile(t.Context(), 0, 1, 1, 0, 0)
		require.Error(t, err)
		assert.Equal(t, "Bearer a-token-of-the-test", wire.authorization)
	}
	assert.Equal(t, []string{"https://storage.azure.com/.default"}, of.scopes)
}
