// Package servers starts real S3 servers for tests on a free local port, with or
// without TLS: versitygw and MinIO as separate processes, and rclone's in the
// process of the test. It also starts servers of SFTP, WebDAV and NATS in the
// process of the test.
//
// The programs are built once, at fixed versions, in the user's cache directory: see
// Build. A server that cannot be built or started fails the test.
package servers

import (
	"net/http"
	"path/filepath"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/s3"
)

// Server is a running S3 server. Its fields do not change.
type Server struct {
	// Name is "versitygw", "minio" or "rclone".
	Name string

	// Endpoint is the server's URL, with scheme and port.
	Endpoint string

	// Region is the one that requests are signed for.
	Region string

	// AccessKey and SecretKey are the administrator's credentials.
	AccessKey, SecretKey string

	// CABundle is the file with the certificate that a server over TLS is
	// trusted by; empty over http.
	CABundle string

	transport *http.Transport
	api       *s3.Client
}

// Transport returns what sends requests to the server and trusts its
// certificate. It ends with the server.
func (s *Server) Transport() *http.Transport { return s.transport }

// API returns the SDK's own client of the server: the plain calls, to compare
// with.
func (s *Server) API() *s3.Client { return s.api }

// The credentials of every server here. MinIO wants eight characters or more.
const (
	accessKey = "interop-access"
	secretKey = "interop-secret-0f9c51e2"
	region    = "us-east-1"
)

// Versitygw starts a versitygw that keeps its objects in files of a temporary
// folder, over TLS if tls is true. The server ends with the test. Building it,
// the first time, takes about a minute.
func Versitygw(tb testing.TB, tls bool) *Server {
	tb.Helper()
	binary := locate(tb, versitygw)
	return start(tb, versitygw.name, tls, func(address, dir string, cert *certificate) command {
		// Absolute paths only: it changes into the data folder. Without
		// --iam-dir an unknown access key is 404, without --keep-alive each
		// request has a connection of its own.
		args := []string{
			"--port", address, "--access", accessKey, "--secret", secretKey, "--region", region,
			"--quiet", "--keep-alive", "--health", "/health", "--iam-dir", mkdir(tb, dir, "iam"),
		}
		if cert != nil {
			args = append(args, "--cert", cert.certFile, "--key", cert.keyFile)
		}
		return command{binary: binary, args: append(args, "posix", mkdir(tb, dir, "objects")), dir: dir, health: "/health"}
	})
}

// MinIO starts a MinIO on one temporary folder, over TLS if tls is true. The
// server ends with the test. SSE-S3 works on both, SSE-C over TLS. Building
// it, the first time, takes two to three minutes.
func MinIO(tb testing.TB, tls bool) *Server {
	tb.Helper()
	binary := locate(tb, minio)
	return start(tb, minio.name, tls, func(address, dir string, cert *certificate) command {
		certs := mkdir(tb, dir, "certs")
		if cert != nil {
			cert.install(tb, filepath.Join(certs, "public.crt"), filepath.Join(certs, "private.key"))
		}
		return command{
			binary: binary,
			args:   []string{"server", "--quiet", "--address", address, "--certs-dir", certs, mkdir(tb, dir, "objects")},
			env: []string{
				"MINIO_ROOT_USER=" + accessKey, "MINIO_ROOT_PASSWORD=" + secretKey,
				"MINIO_BROWSER=off", "MINIO_UPDATE=off", "MINIO_CI_CD=1", "HOME=" + dir,
				"MINIO_KMS_SECRET_KEY=interop:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
			},
			dir:    dir,
			health: "/minio/health/ready",
		}
	})
}
