package s3

import (
	"testing"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/internal/testkit/idle"
)

func openIdle() ltxstore.ReplicaClient {
	cfg := valid()
	cfg.Endpoint = "http://127.0.0.1:1" // nobody listens
	return NewReplicaClient(cfg)
}

// BenchmarkIdleClients is what a client costs that waits for work, of ten thousand of
// one bucket: memory and goroutines.
func BenchmarkIdleClients(b *testing.B) { idle.Benchmark(b, openIdle) }

// A client that waits for work holds at most 4 KiB, and no goroutine, wherever
// its bucket is and its credentials come from.
func TestIdleClients(t *testing.T) {
	t.Setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
	t.Setenv("AWS_SECRET_ACCESS_KEY", testSecret)
	for name, edit := range map[string]func(*Config){
		"AWS":         func(*Config) {},
		"endpoint":    func(cfg *Config) { cfg.Endpoint = "http://127.0.0.1:1" },
		"environment": func(cfg *Config) { cfg.AccessKeyID, cfg.SecretAccessKey, cfg.SessionToken = "", "", "" },
		"role":        func(cfg *Config) { cfg.RoleARN = "arn:aws:iam::123456789012:role/replica" },
		"directory":   func(cfg *Config) { cfg.Bucket = "bucket--use1-az4--x-s3" },
	} {
		t.Run(name, func(t *testing.T) {
			idle.Check(t, func() ltxstore.ReplicaClient {
				cfg := valid()
				edit(&cfg)
				return NewReplicaClient(cfg)
			})
		})
	}
}
