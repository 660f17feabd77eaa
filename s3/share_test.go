package s3

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/credentials/ssocreds"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/internal/testkit/idle"
)

// cloud is a bucket, and the services that have credentials for it: the metadata service of a machine
// and of a container, STS and SSO. Each fetch has keys of its own: KEY1, KEY2, ...
type cloud struct {
	*httptest.Server
	fetched atomic.Int64 // credentials that were asked for
	fail    atomic.Bool
	expires atomic.Int64 // seconds
	hold    chan struct{}

	mu   sync.Mutex
	keys map[string]int // of requests to the bucket
}

func newCloud(t *testing.T) *cloud {
	c := &cloud{keys: make(map[string]int)}
	c.expires.Store(3600)
	c.Server = httptest.NewServer(c)
	t.Cleanup(c.Close)
	for _, variable := range []string{"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE", "AWS_EC2_METADATA_DISABLED"} {
		t.Setenv(variable, "")
	}
	t.Setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", c.URL)
	t.Setenv("AWS_ENDPOINT_URL_STS", c.URL+"/sts")
	t.Setenv("AWS_ENDPOINT_URL_SSO", c.URL+"/sso")
	return c
}

func (c *cloud) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch path := r.URL.Path; {
	case r.Method == http.MethodPut && path == "/latest/api/token":
		w.Header().Set("X-Aws-Ec2-Metadata-Token-Ttl-Seconds", "1000")
		fmt.Fprint(w, "token")
	case path == "/latest/meta-data/iam/security-credentials/":
		fmt.Fprint(w, "role")
	case strings.HasPrefix(path, "/latest/"), path == "/container":
		c.give(w, `{"Code":"Success","AccessKeyId":"KEY%d","SecretAccessKey":"secret","Token":"t","Expiration":%q}`)
	case strings.HasPrefix(path, "/sso"):
		c.give(w, `{"roleCredentials":{"accessKeyId":"KEY%d","secretAccessKey":"secret","sessionToken":"t","expiration":4102444800000}}%.0s`)
	case strings.HasPrefix(path, "/sts"):
		action := "AssumeRole"
		if strings.Contains(r.PostFormValue("Action"), "WebIdentity") {
			action = "AssumeRoleWithWebIdentity"
		}
		c.give(w, `<`+action+`Response><`+action+`Result><Credentials><AccessKeyId>KEY%d</AccessKeyId><SecretAccessKey>secret</SecretAccessKey>`+
			`<SessionToken>t</SessionToken><Expiration>%s</Expiration></Credentials></`+action+`Result></`+action+`Response>`)
	case r.URL.Query().Has("session"):
		c.give(w, `<CreateSessionResult><Credentials><SessionToken>t</SessionToken><SecretAccessKey>secret</SecretAccessKey>`+
			`<AccessKeyId>KEY%d</AccessKeyId><Expiration>%s</Expiration></Credentials></CreateSessionResult>`)
	default:
		key, _, _ := strings.Cut(scopeOf(r), "/")
		c.mu.Lock()
		c.keys[key]++
		c.mu.Unlock()
		fmt.Fprint(w, `<ListBucketResult><IsTruncated>false</IsTruncated></ListBucketResult>`)
	}
}

// give answers with new credentials.
func (c *cloud) give(w http.ResponseWriter, format string) {
	n := c.fetched.Add(1)
	if c.hold != nil {
		<-c.hold
	}
	if c.fail.Load() {
		http.Error(w, "down", http.StatusBadRequest)
		return
	}
	fmt.Fprintf(w, format, n, time.Now().Add(time.Duration(c.expires.Load())*time.Second).UTC().Format(time.RFC3339))
}

// config is that of a client without keys of its own.
func (c *cloud) config(set ...func(*Config)) Config {
	cfg := Config{Bucket: "bucket", Region: "us-east-1", Endpoint: c.URL}
	cfg.Retry.MaxAttempts = 1
	for _, f := range set {
		f(&cfg)
	}
	return cfg
}

// client returns a client, and its listing.
func (c *cloud) client(t *testing.T, set ...func(*Config)) func(context.Context) error {
	t.Helper()
	client := NewReplicaClient(c.config(set...))
	require.NoError(t, client.Init(t.Context()))
	t.Cleanup(func() { assert.NoError(t, client.Close()) })
	return func(ctx context.Context) error { return list(ctx, client) }
}

// profile writes the shared configuration file.
func profile(t *testing.T, text string) {
	t.Helper()
	name := filepath.Join(t.TempDir(), "config")
	require.NoError(t, os.WriteFile(name, []byte(text), 0o600))
	t.Setenv("AWS_CONFIG_FILE", name)
}

// sources are the ways to credentials that expire.
var sources = map[string]func(*testing.T, *cloud) func(*Config){
	"machine": func(*testing.T, *cloud) func(*Config) { return func(*Config) {} },
	"container": func(t *testing.T, c *cloud) func(*Config) {
		t.Setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", c.URL+"/container")
		return func(*Config) {}
	},
	"web identity": func(t *testing.T, _ *cloud) func(*Config) {
		token := filepath.Join(t.TempDir(), "token")
		require.NoError(t, os.WriteFile(token, []byte("token"), 0o600))
		t.Setenv("AWS_WEB_IDENTITY_TOKEN_FILE", token)
		t.Setenv("AWS_ROLE_ARN", "arn:aws:iam::123456789012:role/pod")
		return func(*Config) {}
	},
	"role": func(*testing.T, *cloud) func(*Config) {
		return func(cfg *Config) {
			cfg.AccessKeyID, cfg.SecretAccessKey, cfg.RoleARN = "BASE", testSecret, "arn:aws:iam::123456789012:role/backup"
		}
	},
	"profile with role": func(t *testing.T, _ *cloud) func(*Config) {
		profile(t, "[profile base]\naws_access_key_id=BASE\naws_secret_access_key=secret\n"+
			"[profile backup]\nrole_arn=arn:aws:iam::123456789012:role/backup\nsource_profile=base\n")
		return func(cfg *Config) { cfg.Profile = "backup" }
	},
	"sso": func(t *testing.T, _ *cloud) func(*Config) {
		t.Setenv("HOME", t.TempDir())
		cached, err := ssocreds.StandardCachedTokenFilepath("https://example.awsapps.com/start")
		require.NoError(t, err)
		require.NoError(t, os.MkdirAll(filepath.Dir(cached), 0o700))
		require.NoError(t, os.WriteFile(cached, []byte(`{"accessToken":"token","expiresAt":"2100-01-01T00:00:00Z"}`), 0o600))
		profile(t, "[profile sso]\nsso_start_url=https://example.awsapps.com/start\nsso_account_id=123456789012\nsso_region=us-east-1\nsso_role_name=backup\n")
		return func(cfg *Config) { cfg.Profile = "sso" }
	},
	"directory bucket": func(*testing.T, *cloud) func(*Config) {
		return func(cfg *Config) {
			cfg.AccessKeyID, cfg.SecretAccessKey, cfg.Bucket = "BASE", testSecret, "b--use1-az1--x-s3"
		}
	},
}

// Credentials that expire are fetched once for all clients with an equal configuration.
func TestSharedCredentials(t *testing.T) {
	for name, source := range sources {
		t.Run(name, func(t *testing.T) {
			c := newCloud(t)
			set := source(t, c)
			const n = 100
			lists := make(chan func(context.Context) error, n)
			for range n {
				lists <- c.client(t, set)
			}
			close(lists)
			var wg sync.WaitGroup
			for range 16 {
				wg.Go(func() {
					for list := range lists {
						assert.NoError(t, list(t.Context()))
					}
				})
			}
			wg.Wait()
			assert.EqualValues(t, 1, c.fetched.Load())
			assert.Equal(t, map[string]int{"KEY1": n}, c.keys)
		})
	}
}

// Those that have expired are fetched again, by one client for the others; a failure is none of the next.
func TestSharedCredentialsAreFetchedAgain(t *testing.T) {
	for _, name := range []string{"container", "web identity", "role", "profile with role", "directory bucket"} {
		t.Run(name, func(t *testing.T) {
			c := newCloud(t)
			set := sources[name](t, c)
			first, second := c.client(t, set), c.client(t, set)
			c.fail.Store(true)
			require.Error(t, first(t.Context()))
			require.Error(t, second(t.Context()))
			c.fail.Store(false)
			c.expires.Store(-1)
			require.NoError(t, first(t.Context()))
			c.expires.Store(3600)
			for range 3 {
				require.NoError(t, second(t.Context()))
				require.NoError(t, first(t.Context()))
			}
			assert.EqualValues(t, 4, c.fetched.Load())
			assert.Equal(t, map[string]int{"KEY3": 1, "KEY4": 6}, c.keys)
		})
	}
}

// A client whose context ends, and that is closed, ends no fetch that others wait for.
func TestSharedCredentialsOutliveTheirFirstClient(t *testing.T) {
	for _, name := range []string{"machine", "container", "web identity", "role", "profile with role", "directory bucket"} {
		t.Run(name, func(t *testing.T) {
			c := newCloud(t)
			c.hold = make(chan struct{})
			set := sources[name](t, c)
			leaver := NewReplicaClient(c.config(set))
			ctx, cancel := context.WithCancel(t.Context())
			left, stayed := make(chan error, 1), make(chan error, 1)
			go func() { left <- list(ctx, leaver) }()
			assert.Eventually(t, func() bool { return c.fetched.Load() == 1 }, time.Minute, time.Millisecond)
			stays := c.client(t, set)
			go func() { stayed <- stays(t.Context()) }()
			cancel()
			require.ErrorIs(t, <-left, context.Canceled)
			close(c.hold)
			require.NoError(t, leaver.Close())
			require.NoError(t, <-stayed)
			if name != "directory bucket" { // whose fetch ends if the other does not wait yet
				assert.EqualValues(t, 1, c.fetched.Load())
			}
		})
	}
}

// Clients whose configurations differ share none.
func TestCredentialsOfOthersAreNotShared(t *testing.T) {
	c := newCloud(t)
	role := sources["role"](t, c)
	profile(t, "[profile a]\naws_access_key_id=PROFILEA\naws_secret_access_key=secret\n[profile b]\naws_access_key_id=PROFILEB\naws_secret_access_key=secret\n")
	var run []func(context.Context) error
	for _, set := range []func(*Config){
		func(*Config) {},
		role,
		func(cfg *Config) { role(cfg); cfg.RoleARN += "2" },
		func(cfg *Config) { role(cfg); cfg.ExternalID = "external-id" },
		func(cfg *Config) { role(cfg); cfg.AccessKeyID = "OTHER" },
		func(cfg *Config) { role(cfg); cfg.SecretAccessKey = "other-secret" },
		func(cfg *Config) { role(cfg); cfg.SessionToken = "session-token" },
		func(cfg *Config) { role(cfg); cfg.HTTP.MaxConns = 7 },
	} {
		run = append(run, c.client(t, set))
	}
	for _, set := range []func(*Config){func(cfg *Config) { cfg.Profile = "a" }, func(cfg *Config) { cfg.Profile = "b" }} {
		run = append(run, c.client(t, set))
	}
	session := sources["directory bucket"](t, c)
	run = append(run, c.client(t, session), c.client(t, func(cfg *Config) { session(cfg); cfg.Bucket = "c--use1-az1--x-s3" }))
	for range 2 {
		for _, list := range run {
			require.NoError(t, list(t.Context()))
		}
	}
	assert.EqualValues(t, 10, c.fetched.Load())
	assert.Len(t, c.keys, 12)

	t.Setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", c.URL+"/container") // another environment
	require.NoError(t, c.client(t)(t.Context()))
	assert.EqualValues(t, 11, c.fetched.Load())
	profile(t, "[profile a]\naws_access_key_id=CHANGED\naws_secret_access_key=secret\n")
	require.NoError(t, c.client(t, func(cfg *Config) { cfg.Profile = "a" })(t.Context()))
	assert.Equal(t, 1, c.keys["CHANGED"], "the file is read anew")
}

// A client that has credentials in common with others holds no more than one with keys of its own.
func TestIdleClientsOfARole(t *testing.T) {
	for _, name := range []string{"machine", "role", "directory bucket"} {
		t.Run(name, func(t *testing.T) {
			c := newCloud(t)
			set := sources[name](t, c)
			idle.Check(t, func() ltxstore.ReplicaClient { return NewReplicaClient(c.config(set)) })
			assert.Zero(t, c.fetched.Load())
		})
	}
}
