package servers

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// certificate is a self-signed certificate for the loopback address.
type certificate struct {
	certFile, keyFile string // PEM
	pool              *x509.CertPool
}

func newCertificate(tb testing.TB) *certificate {
	tb.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		tb.Fatal(err)
	}
	now := time.Now()
	template := &x509.Certificate{
		SerialNumber:          big.NewInt(now.UnixNano()),
		Subject:               pkix.Name{CommonName: "ltxstore interop"},
		NotBefore:             now.Add(-time.Hour), // clocks differ
		NotAfter:              now.Add(24 * time.Hour),
		IPAddresses:           []net.IP{net.IPv4(127, 0, 0, 1)},
		DNSNames:              []string{"localhost"},
		KeyUsage:              x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
		ExtKeyUsage:           []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		BasicConstraintsValid: true,
		IsCA:                  true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		tb.Fatal(err)
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		tb.Fatal(err)
	}
	dir := tb.TempDir()
	c := &certificate{
		certFile: filepath.Join(dir, "cert.pem"),
		keyFile:  filepath.Join(dir, "key.pem"),
		pool:     x509.NewCertPool(),
	}
	certPEM := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	if !c.pool.AppendCertsFromPEM(certPEM) {
		tb.Fatal("the certificate just made cannot be read")
	}
	writeFile(tb, c.certFile, certPEM)
	writeFile(tb, c.keyFile, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: keyDER}))
	return c
}

// install copies the certificate to where a server looks for it.
func (c *certificate) install(tb testing.TB, certFile, keyFile string) {
	tb.Helper()
	for from, to := range map[string]string{c.certFile: certFile, c.keyFile: keyFile} {
		content, err := os.ReadFile(from)
		if err != nil {
			tb.Fatal(err)
		}
		writeFile(tb, to, content)
	}
}

func writeFile(tb testing.TB, name string, content []byte) {
	tb.Helper()
	if err := os.WriteFile(name, content, 0o600); err != nil {
		tb.Fatal(err)
	}
}
