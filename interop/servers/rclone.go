package servers

import (
	"context"
	"crypto/tls"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/rclone/gofakes3"
	"github.com/rclone/gofakes3/s3mem"
)

// Rclone starts the server of "rclone serve s3" in this process, with its
// objects in memory, and with TLS if withTLS is true. Keys are stored
// unchanged, as in Amazon S3. Two defects of the memory backend are worked
// around: see pagedBackend and conditionsOneByOne. The server ends with the
// test.
func Rclone(tb testing.TB, withTLS bool) *Server {
	tb.Helper()
	handler := conditionsOneByOne(gofakes3.New(pagedBackend{s3mem.New()},
		gofakes3.WithV4Auth(map[string]string{accessKey: secretKey}), gofakes3.WithIntegrityCheck(true)).Server())
	transport := http.DefaultTransport.(*http.Transport).Clone()
	s := &Server{Name: "rclone", Region: region, AccessKey: accessKey, SecretKey: secretKey, transport: transport}
	server := httptest.NewUnstartedServer(handler)
	tb.Cleanup(server.Close)
	tb.Cleanup(transport.CloseIdleConnections)
	if withTLS {
		cert := newCertificate(tb)
		pair, err := tls.LoadX509KeyPair(cert.certFile, cert.keyFile)
		if err != nil {
			tb.Fatal(err)
		}
		server.TLS = &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12}
		s.CABundle = cert.certFile
		transport.TLSClientConfig = &tls.Config{RootCAs: cert.pool, MinVersion: tls.VersionTLS12}
		server.StartTLS()
	} else {
		server.Start()
	}
	s.Endpoint = server.URL
	s.api = newAPI(s, &http.Client{Transport: transport})
	return s
}

// pagedBackend divides the listing of a bucket into pages. The pages of the
// memory backend omit the first key after a StartAfter that is not a key.
type pagedBackend struct{ gofakes3.Backend }

// ListBucket implements gofakes3.Backend.
func (b pagedBackend) ListBucket(ctx context.Context, name string, prefix *gofakes3.Prefix, page gofakes3.ListBucketPage) (*gofakes3.ObjectList, error) {
	all, err := b.Backend.ListBucket(ctx, name, prefix, gofakes3.ListBucketPage{})
	if err != nil {
		return nil, err
	}
	type entry struct {
		name string
		add  func(*gofakes3.ObjectList)
	}
	var entries []entry
	for _, object := range all.Contents {
		entries = append(entries, entry{object.Key, func(to *gofakes3.ObjectList) { to.Add(object) }})
	}
	for _, group := range all.CommonPrefixes {
		entries = append(entries, entry{group.Prefix, func(to *gofakes3.ObjectList) { to.AddPrefix(group.Prefix) }})
	}
	entries = slices.DeleteFunc(entries, func(e entry) bool {
		return page.Marker != "" && (e.name <= page.Marker || strings.HasSuffix(e.name, "/") && strings.HasPrefix(page.Marker, e.name))
	})
	slices.SortFunc(entries, func(a, b entry) int { return strings.Compare(a.name, b.name) })

	list := gofakes3.NewObjectList()
	for i, e := range entries {
		if page.MaxKeys > 0 && int64(i) == page.MaxKeys {
			list.IsTruncated, list.NextMarker = true, entries[i-1].name
			break
		}
		e.add(list)
	}
	return list, nil
}

// conditionsOneByOne serves conditional requests one at a time. If they are
// concurrent, the server sometimes lets two of them succeed.
func conditionsOneByOne(server http.Handler) http.Handler {
	var mu sync.Mutex
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("If-None-Match") != "" {
			mu.Lock()
			defer mu.Unlock()
		}
		server.ServeHTTP(w, r)
	})
}
