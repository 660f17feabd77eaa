package gcs

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/internal/testkit/gcsfake"
	"github.com/ltxstore/ltxstore/internal/testkit/idle"
)

// issuer gives out tokens.
type issuer struct {
	*httptest.Server
	fetched, fail, seconds atomic.Int64
	hold                   chan struct{}
}

func newIssuer(t *testing.T) *issuer {
	i := &issuer{}
	i.seconds.Store(3600)
	i.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		i.fetched.Add(1)
		if i.hold != nil {
			<-i.hold
		}
		if i.fail.Load() != 0 {
			http.Error(w, `{"error":"invalid_grant"}`, http.StatusBadRequest)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprintf(w, `{"access_token":"sesame","token_type":"Bearer","issued_token_type":"urn:ietf:params:oauth:token-type:access_token","expires_in":%d}`, i.seconds.Load())
	}))
	t.Cleanup(i.Close)
	return i
}

// ways are the ways to tokens.
func (i *issuer) ways(t *testing.T) map[string]func(*Config) {
	t.Helper()
	account := serviceAccount(t, i.URL)
	subject := filepath.Join(t.TempDir(), "subject")
	require.NoError(t, os.WriteFile(subject, []byte("subject-token"), 0o600))
	workload, err := json.Marshal(map[string]any{"type": "external_account", "audience": "//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/p/providers/p",
		"subject_token_type": "urn:ietf:params:oauth:token-type:jwt", "token_url": i.URL, "credential_source": map[string]string{"file": subject}})
	require.NoError(t, err)
	file := filepath.Join(t.TempDir(), "credentials.json")
	require.NoError(t, os.WriteFile(file, account, 0o600))
	return map[string]func(*Config){
		"service account":   func(cfg *Config) { cfg.CredentialsJSON = account },
		"file":              func(cfg *Config) { cfg.CredentialsFile = file },
		"workload identity": func(cfg *Config) { cfg.CredentialsJSON = workload },
	}
}

// missing reads a file that is not there, which needs a token.
func missing(ctx context.Context, c *ReplicaClient) error {
	_, err := c.OpenLTXFile(ctx, 0, 1, 1, 0, 0)
	return err
}

// A token is fetched once for all clients with equal credentials, and again when it ends; a failure is not kept.
func TestSharedToken(t *testing.T) {
	b := newBench(t, gcsfake.Options{Token: "sesame"}, nil)
	i := newIssuer(t)
	for name, set := range i.ways(t) {
		t.Run(name, func(t *testing.T) {
			i.fetched.Store(0)
			i.fail.Store(1)
			first := b.client(t, set)
			require.Error(t, missing(t.Context(), first))
			i.fail.Store(0)
			i.seconds.Store(30) // which is due at once
			require.ErrorIs(t, missing(t.Context(), first), fs.ErrNotExist)
			i.seconds.Store(3600)
			before := i.fetched.Load()
			clients := make(chan *ReplicaClient, 100)
			for range cap(clients) {
				c := b.client(t, set)
				require.NoError(t, c.Init(t.Context()))
				clients <- c
			}
			close(clients)
			var wg sync.WaitGroup
			for range 16 {
				wg.Go(func() {
					for c := range clients {
						assert.ErrorIs(t, missing(t.Context(), c), fs.ErrNotExist)
					}
				})
			}
			wg.Wait()
			assert.EqualValues(t, 1, i.fetched.Load()-before)

			// Another environment may have other credentials.
			t.Setenv("LTXSTORE_TEST", "other")
			require.ErrorIs(t, missing(t.Context(), b.client(t, set)), fs.ErrNotExist)
			assert.EqualValues(t, 2, i.fetched.Load()-before)
		})
	}
	i.fetched.Store(0)
	for _, id := range []string{"2", "3"} {
		account := bytes.Replace(serviceAccount(t, i.URL), []byte(`"private_key_id":"1"`), []byte(`"private_key_id":"`+id+`"`), 1)
		require.ErrorIs(t, missing(t.Context(), b.client(t, func(cfg *Config) { cfg.CredentialsJSON = account })), fs.ErrNotExist)
	}
	assert.EqualValues(t, 2, i.fetched.Load(), "keys with other IDs")
}

// A client whose context ends, and that is closed, ends no fetch that others wait for.
func TestSharedTokenOutlivesItsFirstClient(t *testing.T) {
	b := newBench(t, gcsfake.Options{Token: "sesame"}, nil)
	i := newIssuer(t)
	i.hold = make(chan struct{})
	set := i.ways(t)["service account"]
	leaver, stays := b.client(t, set), b.client(t, set)
	require.NoError(t, stays.Init(t.Context()))
	ctx, cancel := context.WithCancel(t.Context())
	left, stayed := make(chan error, 1), make(chan error, 1)
	go func() { left <- missing(ctx, leaver) }()
	assert.Eventually(t, func() bool { return i.fetched.Load() == 1 }, time.Minute, time.Millisecond)
	go func() { stayed <- missing(t.Context(), stays) }()
	cancel()
	require.ErrorIs(t, <-left, context.Canceled)
	require.NoError(t, leaver.Close())
	close(i.hold)
	require.ErrorIs(t, <-stayed, fs.ErrNotExist)
}

// A client that has a token in common with others holds no more than one without.
func TestIdleClientsOfAnAccount(t *testing.T) {
	i := newIssuer(t)
	set := i.ways(t)["service account"]
	idle.Check(t, func() ltxstore.ReplicaClient {
		cfg := Config{Bucket: "bucket", Path: "db"}
		set(&cfg)
		return NewReplicaClient(cfg)
	})
	assert.Zero(t, i.fetched.Load())
}
