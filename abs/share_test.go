package abs

import (
	"context"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ltxstore/ltxstore/backend/transport"
)

// counted is a credential that keeps nothing.
type counted struct {
	fetched atomic.Int64
	err     error
}

func (c *counted) GetToken(context.Context, policy.TokenRequestOptions) (azcore.AccessToken, error) {
	c.fetched.Add(1)
	return azcore.AccessToken{Token: "token-of-the-test", ExpiresOn: time.Now().Add(time.Hour)}, c.err
}

// A token is fetched once for all clients with the environment's identity, or with the same credential.
func TestSharedToken(t *testing.T) {
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("X-Ms-Version", "1")
		w.Header().Set("X-Ms-Error-Code", "BlobNotFound")
		w.WriteHeader(http.StatusNotFound)
	}))
	defer server.Close()
	for _, name := range []string{"LITESTREAM_AZURE_ACCOUNT_KEY", "LITESTREAM_AZURE_SAS_TOKEN", "AZURE_STORAGE_CONNECTION_STRING", "AZURE_STORAGE_KEY", "AZURE_STORAGE_SAS_TOKEN"} {
		t.Setenv(name, "")
	}
	defer identity.Store(identity.Swap(nil))
	var fetched atomic.Int64
	RegisterIdentity(func() (azcore.TokenCredential, error) {
		return tokenFunc(func() (azcore.AccessToken, error) {
			fetched.Add(1)
			return azcore.AccessToken{Token: "token-of-the-test", ExpiresOn: time.Now().Add(time.Hour)}, nil
		}), nil
	})
	given := new(counted)
	clients := make(chan *ReplicaClient, 1000)
	for n := range cap(clients) {
		cfg := Config{Bucket: "container", Endpoint: server.URL, HTTP: transport.Options{InsecureSkipVerify: true}}
		if n%2 == 0 {
			cfg.Credential = given
		}
		c := NewReplicaClient(cfg)
		require.NoError(t, c.Init(t.Context()))
		defer c.Close()
		clients <- c
	}
	close(clients)
	var wg sync.WaitGroup
	for range 16 {
		wg.Go(func() {
			for c := range clients {
				_, err := c.OpenLTXFile(t.Context(), 0, 1, 1, 0, 0)
				assert.ErrorIs(t, err, fs.ErrNotExist)
			}
		})
	}
	wg.Wait()
	assert.EqualValues(t, 1, fetched.Load())
	assert.EqualValues(t, 1, given.fetched.Load())
	t.Setenv("AZURE_CLIENT_ID", "another") // another identity
	c := NewReplicaClient(Config{Bucket: "container", Endpoint: server.URL, HTTP: transport.Options{InsecureSkipVerify: true}})
	defer c.Close()
	_, err := c.OpenLTXFile(t.Context(), 0, 1, 1, 0, 0)
	require.ErrorIs(t, err, fs.ErrNotExist)
	assert.EqualValues(t, 2, fetched.Load())
}
