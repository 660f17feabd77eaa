package abs

import (
	"testing"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/internal/testkit/idle"
)

func openIdle() ltxstore.ReplicaClient {
	return NewReplicaClient(Config{Bucket: "container", Path: "db", Account: "account", AccountKey: testKey})
}

// BenchmarkIdleClients is what a client costs that waits for work, of ten thousand of
// one container: memory and goroutines.
func BenchmarkIdleClients(b *testing.B) { idle.Benchmark(b, openIdle) }

// A client that waits for work holds at most 4 KiB, and no goroutine, wherever its
// credentials come from.
func TestIdleClients(t *testing.T) {
	for name, edit := range map[string]func(*Config){
		"account key": func(cfg *Config) { cfg.AccountKey = testKey },
		"signature": func(cfg *Config) {
			cfg.SASToken = "sv=2024-11-04&ss=b&srt=sco&sp=rwdlac&se=2030-01-01T00:00:00Z&sig=" + testKey
		},
		"connection string": func(cfg *Config) { cfg.Account, cfg.ConnectionString = "", "AccountName=account;AccountKey="+testKey },
		"token":             func(cfg *Config) { cfg.Credential = &counted{} },
		"customer key":      func(cfg *Config) { cfg.AccountKey, cfg.CustomerKey = testKey, make([]byte, 32) },
	} {
		t.Run(name, func(t *testing.T) {
			idle.Check(t, func() ltxstore.ReplicaClient {
				cfg := Config{Bucket: "container", Path: "db", Account: "account"}
				edit(&cfg)
				return NewReplicaClient(cfg)
			})
		})
	}
}
