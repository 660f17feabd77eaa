//go:build servers

package testservers

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/streaming"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/to"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/blob"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/blockblob"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/container"
	"github.com/stretchr/testify/require"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/abs"
	"github.com/ltxstore/ltxstore/backend"
	"github.com/ltxstore/ltxstore/backend/object"
	"github.com/ltxstore/ltxstore/testing/replicatest"
)

// The account that every Azurite has. It is no secret.
const (
	azuriteAccount = "devstoreaccount1"
	azuriteKey     = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
)

// startAzurite runs Azurite until the test's end, and returns the account's URL.
func startAzurite(t *testing.T) string {
	binary, err := exec.LookPath("azurite-blob")
	require.NoError(t, err, "want Azurite in PATH: npm install azurite@3.37.0")
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	_, port, _ := net.SplitHostPort(l.Addr().String())
	require.NoError(t, l.Close())
	cmd := exec.Command(binary, "--blobHost", "127.0.0.1", "--blobPort", port, "--inMemoryPersistence", "--skipApiVersionCheck", "--silent", "--disableTelemetry")
	cmd.Dir = t.TempDir()
	require.NoError(t, cmd.Start())
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	require.Eventually(t, func() bool {
		conn, err := net.Dial("tcp", "127.0.0.1:"+port)
		if err == nil {
			conn.Close()
		}
		return err == nil
	}, 30*time.Second, 50*time.Millisecond)
	return "http://127.0.0.1:" + port + "/" + azuriteAccount
}

// azurite is a container, and how its replicas are made: each case has a path of
// its own.
type azurite struct {
	endpoint string
	api      *container.Client
	layout   ltxstore.Layout
	cases    int
}

func (a *azurite) store() (replicatest.Store, error) {
	a.cases++
	root := fmt.Sprintf("case-%d", a.cases)
	path := root + "/db"
	keys, err := backend.NewKeys(a.layout, "")
	if err != nil {
		return replicatest.Store{}, err
	}
	open := func(change func(*abs.Config)) func() (ltxstore.ReplicaClient, error) {
		return func() (ltxstore.ReplicaClient, error) {
			cfg := abs.Config{
				Account: azuriteAccount, AccountKey: azuriteKey, Endpoint: a.endpoint, Bucket: "container", Path: path, Layout: a.layout,
				Transfer: object.Options{PartSize: 1 << 20, PageSize: 20}, Logger: slog.New(slog.DiscardHandler),
				Retry: ltxstore.Retry{MaxAttempts: 3, BaseDelay: time.Millisecond},
			}
			change(&cfg)
			return abs.NewReplicaClient(cfg), nil
		}
	}
	client, _ := open(func(*abs.Config) {})()
	list := func(ctx context.Context, include container.ListBlobsInclude, each func(*container.BlobItem)) error {
		pager := a.api.NewListBlobsFlatPager(&container.ListBlobsFlatOptions{Prefix: to.Ptr(path + "/"), Include: include})
		for pager.More() {
			page, err := pager.NextPage(ctx)
			if err != nil {
				return err
			}
			for _, item := range page.Segment.BlobItems {
				each(item)
			}
		}
		return nil
	}
	return replicatest.Store{
		Client:  client,
		Another: open(func(*abs.Config) {}),
		Once:    open(func(cfg *abs.Config) { cfg.WriteOnce = true }),
		Parent:  open(func(cfg *abs.Config) { cfg.Path = root }),
		Missing: open(func(cfg *abs.Config) { cfg.Bucket = "no-such-container" }),
		Sibling: func(suffix string) (ltxstore.ReplicaClient, error) {
			return open(func(cfg *abs.Config) { cfg.Path += suffix })()
		},
		Raw: &replicatest.Raw{
			Keys: keys,
			Put: func(ctx context.Context, key string, body []byte) error {
				_, err := a.api.NewBlockBlobClient(path+"/"+key).UploadBuffer(ctx, body, &blockblob.UploadBufferOptions{})
				return err
			},
			List: func(ctx context.Context) (names []string, err error) {
				there := make(map[string]bool)
				err = list(ctx, container.ListBlobsInclude{}, func(item *container.BlobItem) {
					there[*item.Name] = true
					names = append(names, strings.TrimPrefix(*item.Name, path+"/"))
				})
				if err == nil {
					err = list(ctx, container.ListBlobsInclude{UncommittedBlobs: true}, func(item *container.BlobItem) {
						if !there[*item.Name] {
							names = append(names, "upload:"+strings.TrimPrefix(*item.Name, path+"/"))
						}
					})
				}
				return names, err
			},
			Strip: func(ctx context.Context, key string) error {
				_, err := a.api.NewBlobClient(path+"/"+key).SetMetadata(ctx, map[string]*string{}, &blob.SetMetadataOptions{})
				return err
			},
			Leave: func(ctx context.Context) error {
				id := "YWJj" + strings.Repeat("QUFB", 20) + "QQ=="
				_, err := a.api.NewBlockBlobClient(path+"/"+keys.File(0, 77, 77)).StageBlock(ctx, id, streaming.NopCloser(strings.NewReader("block")), nil)
				return err
			},
		},
	}, nil
}

// createContainer creates the container that the tests use.
func createContainer(t *testing.T, endpoint string) *container.Client {
	key, err := container.NewSharedKeyCredential(azuriteAccount, azuriteKey)
	require.NoError(t, err)
	api, err := container.NewClientWithSharedKeyCredential(endpoint+"/container", key, nil)
	require.NoError(t, err)
	_, err = api.Create(t.Context(), nil)
	require.NoError(t, err)
	return api
}

func TestABSConformance(t *testing.T) {
	endpoint := startAzurite(t)
	api := createContainer(t, endpoint)
	for _, layout := range []ltxstore.Layout{ltxstore.LayoutDefault, ltxstore.LayoutLitestream} {
		t.Run(layout.String(), func(t *testing.T) {
			a := &azurite{endpoint: endpoint, api: api, layout: layout}
			replicatest.Run(t, replicatest.Config{
				New: func(context.Context) (replicatest.Store, error) {
					s, err := a.store()
					a.cases += 1000 * int(layout)
					return s, err
				},
				Lacks: []replicatest.Capability{
					// A real server does not fail on demand: the double does.
					replicatest.FailingLookups, replicatest.FailingLists, replicatest.FailingDeletes,
					replicatest.BrokenTransfers, replicatest.StalledTransfers, replicatest.Outages,
					// Azurite has no StartFrom, so that a seek costs what the level does.
					replicatest.CountedRequests,
					replicatest.Secrets, // Azurite's key is everybody's
				},
				PageSize: 20, BodySize: 3 << 20,
				// Another write of the name discards the blocks of this one, which counts
				// as replaced by it.
				Select: func(c replicatest.Case) bool { return c.ID != "rewrite/upload-removed" },
			})
		})
	}
}
