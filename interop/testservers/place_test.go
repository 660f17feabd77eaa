//go:build servers

package testservers

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/pem"
	"log/slog"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/sas"
	"github.com/stretchr/testify/require"
	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/knownhosts"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/abs"
	"github.com/ltxstore/ltxstore/backend/object"
	"github.com/ltxstore/ltxstore/internal/testkit/oddpath"
	"github.com/ltxstore/ltxstore/testing/replicatest"
)

func TestSSHDOddPaths(t *testing.T) {
	s := startSSHD(t)
	oddpath.Check(t, 100<<10, func(path string) ltxstore.ReplicaClient { return s.open(path, options{}) })
}

func (d *dav) oddPaths(t *testing.T) {
	oddpath.Check(t, 100<<10, func(path string) ltxstore.ReplicaClient { return d.open(path, options{}) })
}

func TestApacheOddPaths(t *testing.T) { startApache(t).oddPaths(t) }
func TestNginxOddPaths(t *testing.T)  { startNginx(t).oddPaths(t) }
func TestRcloneOddPaths(t *testing.T) { startRclone(t).oddPaths(t) }

func TestAzuriteOddPaths(t *testing.T) {
	endpoint := startAzurite(t)
	createContainer(t, endpoint)
	oddpath.Check(t, 300<<10, func(path string) ltxstore.ReplicaClient {
		return abs.NewReplicaClient(abs.Config{Account: azuriteAccount, AccountKey: azuriteKey, Endpoint: endpoint,
			Bucket: "container", Path: path, Transfer: object.Options{PartSize: 128 << 10}, Logger: slog.New(slog.DiscardHandler)})
	}, "back\\slash")
}

// roundTrip writes, lists, reads and deletes a file of a replica.
func roundTrip(t *testing.T, client ltxstore.ReplicaClient, err error) {
	t.Helper()
	require.NoError(t, err)
	defer ltxstore.Close(client)
	info, err := client.WriteLTXFile(t.Context(), 0, 1, 1, bytes.NewReader(replicatest.NewLTXFile(1, 1, time.UnixMilli(1), 1)))
	require.NoError(t, err)
	header, err := ltxstore.FetchLTXHeader(t.Context(), client, info)
	require.NoError(t, err)
	require.EqualValues(t, 1, header.MinTXID)
	require.NoError(t, client.DeleteAll(t.Context()))
}

// Every URL and variable that docs/stores/abs.md names.
func TestAzurePlaces(t *testing.T) {
	endpoint := startAzurite(t)
	api := createContainer(t, endpoint)
	signed, err := api.GetSASURL(sas.ContainerPermissions{Read: true, Create: true, Write: true, Delete: true, List: true}, time.Now().Add(time.Hour), nil)
	require.NoError(t, err)
	u, err := url.Parse(signed)
	require.NoError(t, err)
	key, at := "account-key="+url.QueryEscape(azuriteKey), "endpoint="+url.QueryEscape(endpoint)
	connection := "DefaultEndpointsProtocol=http;AccountName=" + azuriteAccount + ";AccountKey=" + azuriteKey + ";BlobEndpoint=" + endpoint + ";"
	for name, test := range map[string]struct {
		url string
		env map[string]string
	}{
		"key":                  {"abs://" + azuriteAccount + "@container/a/b?" + key + "&" + at, nil},
		"account as a setting": {"abs://container/a/b?account-name=" + azuriteAccount + "&" + key + "&" + at, nil},
		"container's root":     {"abs://" + azuriteAccount + "@container?" + key + "&" + at, nil},
		"signature":            {"abs://" + azuriteAccount + "@container/a?sas-token=" + url.QueryEscape(u.RawQuery) + "&" + at, nil},
		"signature with a ?":   {"abs://container/a?sas-token=" + url.QueryEscape("?"+u.RawQuery) + "&" + at, nil},
		"connection string":    {"abs://container/a?connection-string=" + url.QueryEscape(connection), nil},
		"and its signature": {"abs://container/a?connection-string=" +
			url.QueryEscape("SharedAccessSignature="+u.RawQuery+"; BlobEndpoint = "+endpoint+"/"), nil},
		"variables of Litestream": {"abs://" + azuriteAccount + "@container/a?" + at, map[string]string{"LITESTREAM_AZURE_ACCOUNT_KEY": azuriteKey}},
		"signature of Litestream": {"abs://" + azuriteAccount + "@container/a?" + at, map[string]string{"LITESTREAM_AZURE_SAS_TOKEN": u.RawQuery}},
		"variables of Azure":      {"abs://container/a?" + at, map[string]string{"AZURE_STORAGE_ACCOUNT": azuriteAccount, "AZURE_STORAGE_KEY": azuriteKey}},
		"signature of Azure":      {"abs://container/a?" + at, map[string]string{"AZURE_STORAGE_SAS_TOKEN": u.RawQuery}},
		"connection of Azure":     {"abs://container/a", map[string]string{"AZURE_STORAGE_CONNECTION_STRING": connection}},
	} {
		t.Run(name, func(t *testing.T) {
			for _, name := range []string{"LITESTREAM_AZURE_ACCOUNT_KEY", "LITESTREAM_AZURE_SAS_TOKEN", "AZURE_STORAGE_ACCOUNT", "AZURE_STORAGE_KEY",
				"AZURE_STORAGE_SAS_TOKEN", "AZURE_STORAGE_CONNECTION_STRING"} {
				t.Setenv(name, test.env[name])
			}
			client, err := ltxstore.Open(t.Context(), test.url)
			roundTrip(t, client, err)
		})
	}
}

// Every URL that docs/stores/webdav.md and docs/stores/sftp.md name, of a server
// with several host keys.
func TestTreePlaces(t *testing.T) {
	d := startApache(t)
	client, err := ltxstore.Open(t.Context(), "webdav://"+davUser+":"+davPassword+"@"+strings.TrimPrefix(d.url, "http://")+"/a/b")
	roundTrip(t, client, err)

	second, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	block, err := ssh.MarshalPrivateKey(second, "")
	require.NoError(t, err)
	s := startSSHD(t, string(pem.EncodeToMemory(block)))
	at := "sftp://" + s.cfg.User + "@" + s.cfg.Host + s.dir + "/a?key-path=" + url.QueryEscape(s.cfg.KeyPath)
	client, err = ltxstore.Open(t.Context(), at+"&host-key="+url.QueryEscape(strings.TrimSpace(s.cfg.HostKey)))
	roundTrip(t, client, err)
	pinned, _, _, _, err := ssh.ParseAuthorizedKey([]byte(s.cfg.HostKey))
	require.NoError(t, err)
	known := s.dir + ".known_hosts"
	require.NoError(t, os.WriteFile(known, []byte(knownhosts.Line([]string{knownhosts.Normalize(s.cfg.Host)}, pinned)+"\n"), 0o600))
	client, err = ltxstore.Open(t.Context(), at+"&known-hosts="+url.QueryEscape(known))
	roundTrip(t, client, err)
	client, err = ltxstore.Open(t.Context(), at+"&insecure-ignore-host-key=true")
	roundTrip(t, client, err)
}

// Behind a proxy that has TLS, and of which the server does not know, or even has
// another name than the server, which Apache does not support.
func TestProxiedWebDAV(t *testing.T) {
	for name, start := range map[string]func(testing.TB) *dav{"Apache": startApache, "nginx": startNginx, "rclone": startRclone} {
		t.Run(name, func(t *testing.T) {
			inner, err := url.Parse(start(t).url)
			require.NoError(t, err)
			for _, renamed := range []bool{false, name != "Apache"} {
				proxy := httptest.NewTLSServer(&httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
					r.SetURL(inner)
					if !renamed {
						r.Out.Host = r.In.Host
					}
				}})
				defer proxy.Close()
				client, err := ltxstore.Open(t.Context(), "webdavs://"+davUser+":"+davPassword+"@"+proxy.Listener.Addr().String()+"/a%20b?skip-verify=true")
				roundTrip(t, client, err)
			}
		})
	}
}
