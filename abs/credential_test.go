package abs

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ltxstore/ltxstore/backend/transport"
	"github.com/ltxstore/ltxstore/internal/scrub"
)

// Tokens are fetched again before they expire, for each scope and tenant, and when the service refuses them.
func TestSharedTokenIsFetchedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		of := &counted{err: errors.New("no tenant")}
		next, release, err := transport.Shared(transport.Options{})
		require.NoError(t, err)
		defer release()
		tokens := tokensOf(of, next, new(scrub.Secrets))
		storage := policy.TokenRequestOptions{Scopes: []string{"storage"}, EnableCAE: true}
		get := func(options policy.TokenRequestOptions, want int64) {
			t.Helper()
			for range 2 {
				_, err := tokens.GetToken(t.Context(), options)
				assert.NoError(t, err)
			}
			assert.Equal(t, want, of.fetched.Load())
		}
		_, err = tokens.GetToken(t.Context(), storage)
		require.ErrorIs(t, err, of.err)
		of.err = nil
		get(storage, 2)
		get(policy.TokenRequestOptions{Scopes: []string{"other"}, EnableCAE: true}, 3)
		get(policy.TokenRequestOptions{Scopes: []string{"storage"}, TenantID: "tenant", EnableCAE: true}, 4)
		get(policy.TokenRequestOptions{Scopes: []string{"storage"}, Claims: "claims", EnableCAE: true}, 6)
		time.Sleep(54 * time.Minute)
		get(storage, 6)
		time.Sleep(2 * time.Minute)
		get(storage, 7)
	})
}
