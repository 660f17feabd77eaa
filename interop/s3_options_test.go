package interop_test

import (
	"bytes"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ltxstore/ltxstore/backend"
	"github.com/ltxstore/ltxstore/interop/servers"
	"github.com/ltxstore/ltxstore/s3"
)

// sized is a body of that many bytes which differs with seed.
func sized(seed byte, size int) []byte {
	return bytes.Repeat([]byte{seed, 1, 2, 3, 5, 7, 11}, size/7+1)[:size]
}

// contents are bodies that go in one request and in several, as a reader that
// can be read again and as one that cannot.
func contents() map[string]func() (io.Reader, []byte) {
	made := make(map[string]func() (io.Reader, []byte))
	for name, size := range map[string]int{"small": 4 << 10, "in parts": partSize + 12345} {
		content := sized(9, size)
		made[name] = func() (io.Reader, []byte) { return bytes.NewReader(content), content }
		made[name+" stream"] = func() (io.Reader, []byte) { return io.MultiReader(bytes.NewReader(content)), content }
	}
	return made
}

// TestS3Options writes with every option that alters what goes over the wire,
// in every way that a body is sent, and reads it back.
func TestS3Options(t *testing.T) {
	for _, real := range []realServer{
		{"versitygw", servers.Versitygw, false},
		{"versitygw TLS", servers.Versitygw, true},
		{"minio TLS", servers.MinIO, true},
	} {
		t.Run(real.name, func(t *testing.T) {
			server := real.start(t, real.tls)
			s := &space{server: server, bucket: server.NewBucket(t)}
			options := map[string]func(*s3.Config){
				"none":              func(cfg *s3.Config) { cfg.ChecksumAlgorithm = "none" },
				"crc32":             func(cfg *s3.Config) { cfg.ChecksumAlgorithm = "crc32" },
				"crc32c":            func(cfg *s3.Config) { cfg.ChecksumAlgorithm = "crc32c" },
				"crc64nvme":         func(cfg *s3.Config) { cfg.ChecksumAlgorithm = "crc64nvme" },
				"sha256":            func(cfg *s3.Config) { cfg.ChecksumAlgorithm = "sha256" },
				"unsigned md5":      func(cfg *s3.Config) { cfg.SignPayload, cfg.ContentMD5 = new(bool), s3.MD5Always },
				"unsigned crc64":    func(cfg *s3.Config) { cfg.SignPayload, cfg.ChecksumAlgorithm = new(bool), "crc64nvme" },
				"md5":               func(cfg *s3.Config) { cfg.ContentMD5 = s3.MD5Always },
				"no md5":            func(cfg *s3.Config) { cfg.ContentMD5 = s3.MD5Never },
				"tags":              func(cfg *s3.Config) { cfg.Tags = map[string]string{"team": "a b+c"} },
				"class":             func(cfg *s3.Config) { cfg.StorageClass = "STANDARD" },
				"write once":        func(cfg *s3.Config) { cfg.WriteOnce = true },
				"parallel reads":    func(cfg *s3.Config) { cfg.Transfer.ReadConcurrency = 3 },
				"single large body": func(cfg *s3.Config) { cfg.Transfer.UploadThreshold = 4 * partSize },
			}
			if server.Name == "minio" { // versitygw ignores them
				options["sse-s3"] = func(cfg *s3.Config) { cfg.SSE = "AES256" }
				options["sse-kms"] = func(cfg *s3.Config) { cfg.KMSKeyID, cfg.KMSContext = "interop", map[string]string{"a": "b"} }
				keyFile := filepath.Join(t.TempDir(), "key")
				require.NoError(t, os.WriteFile(keyFile, []byte(suiteSecret), 0o600))
				options["sse-c file"] = func(cfg *s3.Config) { cfg.SSECustomerKeyFile = keyFile }
			}
			for name, change := range options {
				t.Run(name, func(t *testing.T) {
					cfg := s.config("options/" + name)
					change(&cfg)
					client := s3.NewReplicaClient(cfg)
					t.Cleanup(func() { require.NoError(t, client.Close()) })
					level := 0
					for way, open := range contents() {
						reader, want := open()
						info, err := client.WriteLTXFile(t.Context(), level, 5, 6, reader)
						require.NoError(t, err, way)
						assert.EqualValues(t, len(want), info.Size, way)
						body, err := client.OpenLTXFile(t.Context(), level, 5, 6, 0, 0)
						require.NoError(t, err, way)
						got, err := io.ReadAll(body)
						require.NoError(t, err, way)
						require.NoError(t, body.Close())
						require.True(t, bytes.Equal(want, got), "%s: %d bytes came back, other than the %d written", way, len(got), len(want))
						level++
					}
					if name == "sse-c file" {
						keys, err := backend.NewKeys(cfg.Layout, cfg.Path)
						require.NoError(t, err)
						_, err = s.bucket.Get(t.Context(), keys.File(0, 5, 6))
						require.Error(t, err, "the object can be read without its key")
					}
					require.NoError(t, client.DeleteAll(t.Context()))
				})
			}
		})
	}
}

// TestS3OnceLarge: a large body that is refused before it was read comes back
// as a reset connection as often as with an answer. Either way the same
// content is fine and other content is refused, with nothing replaced.
func TestS3OnceLarge(t *testing.T) {
	const size, tries = 8 << 20, 5
	content, other := sized(1, size), sized(2, size)
	eachServer(t, func(t *testing.T, s *space) {
		for name, threshold := range map[string]int64{"one request": 2 * size, "parts": 0} {
			t.Run(name, func(t *testing.T) {
				cfg := s.config("once/" + name)
				cfg.WriteOnce, cfg.Transfer.UploadThreshold = true, threshold
				wire := &wire{next: s.server.Transport(), bucket: s.bucket.Name}
				cfg.HTTP.RoundTripper, cfg.HTTP.CABundle = wire, ""
				client := s3.NewReplicaClient(cfg)
				t.Cleanup(func() { require.NoError(t, client.Close()) })
				write := func(content []byte) error {
					_, err := client.WriteLTXFile(t.Context(), 0, 1, 1, bytes.NewReader(content))
					return err
				}
				require.NoError(t, write(content))
				first := wire.sent()["PUT"]
				for range tries {
					require.NoError(t, write(content))
					require.ErrorIs(t, write(other), fs.ErrExist)
				}
				// Settled at once: no body is sent again, none is in doubt.
				sent := wire.sent()
				require.Equal(t, 2*tries*first, sent["PUT"])
				require.Equal(t, 2*tries, sent["HEAD"])
				keys, err := backend.NewKeys(s.layout, cfg.Path)
				require.NoError(t, err)
				got, err := s.bucket.Get(t.Context(), keys.File(0, 1, 1))
				require.NoError(t, err)
				require.True(t, bytes.Equal(content, got))
				uploads, err := s.bucket.Uploads(t.Context(), keys.File(0, 1, 1))
				require.NoError(t, err)
				require.Empty(t, uploads)
			})
		}
	})
}

// TestS3Refused: what a server says of bad credentials is no missing file.
func TestS3Refused(t *testing.T) {
	eachServer(t, func(t *testing.T, s *space) {
		writeMany(t, s.client(t, "refused/db"), 1)
		for name, change := range map[string]func(*s3.Config){
			"wrong secret": func(cfg *s3.Config) { cfg.SecretAccessKey = "wrong-secret" },
			"unknown key":  func(cfg *s3.Config) { cfg.AccessKeyID = "nobody" },
		} {
			cfg := s.config("refused/db")
			change(&cfg)
			client := s3.NewReplicaClient(cfg)
			_, err := client.OpenLTXFile(t.Context(), 0, 1, 1, 0, 0)
			assert.ErrorIs(t, err, fs.ErrPermission, name)
			_, err = client.WriteLTXFile(t.Context(), 0, 2, 2, small(2))
			assert.ErrorIs(t, err, fs.ErrPermission, name)
			files, err := client.LTXFiles(t.Context(), 0, 0, false)
			if err == nil {
				assert.False(t, files.Next(), name)
				err = files.Close()
			}
			assert.ErrorIs(t, err, fs.ErrPermission, name)
			assert.ErrorIs(t, client.DeleteAll(t.Context()), fs.ErrPermission, name)
			require.NoError(t, client.Close())
		}
		// A certificate that nobody vouches for.
		if s.server.CABundle != "" {
			cfg := s.config("refused/db")
			cfg.HTTP.CABundle, cfg.Retry.MaxAttempts = "", 1
			client := s3.NewReplicaClient(cfg)
			_, err := client.OpenLTXFile(t.Context(), 0, 1, 1, 0, 0)
			require.ErrorContains(t, err, "certificate")
			require.NotErrorIs(t, err, fs.ErrNotExist)
			require.NoError(t, client.Close())
		}
	})
}
