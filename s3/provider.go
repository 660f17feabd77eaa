package s3

import (
	"net/url"
	"strings"

	"github.com/ltxstore/ltxstore/backend/object"
)

// provider is a row of the table of S3-compatible services, with their differences
// from AWS. A comment at each difference has its source.
type provider struct {
	name string

	// hosts are the hosts of the endpoints, or their ends after a dot. "{region}" is
	// one label, the region.
	hosts []string
	exact bool   // only the host itself
	path  string // prefix of the endpoint's path

	noChecksum         bool // supports neither x-amz-checksum nor trailers, only a Content-Length and signed bodies; all but AWS
	virtualHost        bool // requires the bucket in the host name despite an Endpoint
	noDeleteMD5        bool // rejects Content-MD5 with DeleteObjects
	noBatchDelete      bool // has no DeleteObjects
	unsorted           bool // lists without an order
	noStartAfter       bool // ignores or breaks StartAfter
	noConditional      bool // has no If-None-Match on writes
	uploadsByName      bool // lists unfinished uploads by exact name or of the whole bucket, not by prefix
	equalParts         bool // requires all parts but the last to have the same size
	maxParts           int  // 0 means 10,000
	maxConcurrency     int  // maximum number of concurrent parts; 0 means no limit
	region             string
	dropAcceptEncoding bool              // alters Accept-Encoding, which must not be signed
	header             map[string]string // sent with every request
}

// providers returns the table. The first row that matches is used. Numbers are those
// of Litestream's issues and pull requests; "doc" is the provider's documentation of
// its S3 API.
//
// Only AWS has checksums: the services that support them have not done so for long,
// and the SHA-256 of a body is in the signature anyway. Comments after names are about
// checksums.
func providers() []provider {
	return []provider{
		{
			name: "aws",
			hosts: []string{
				"s3.{region}.amazonaws.com", "s3.dualstack.{region}.amazonaws.com", "s3-fips.{region}.amazonaws.com",
				"s3-fips.dualstack.{region}.amazonaws.com", "s3.{region}.vpce.amazonaws.com", "accesspoint.{region}.vpce.amazonaws.com",
				"s3.{region}.amazonaws.com.cn", "s3.dualstack.{region}.amazonaws.com.cn", "s3.{region}.vpce.amazonaws.com.cn",
				"amazonaws.com", "amazonaws.com.cn",
			},
			virtualHost: true,
		},
		{
			name:           "cloudflare-r2", // 912, 947
			hosts:          []string{"r2.cloudflarestorage.com"},
			region:         "auto", // doc
			equalParts:     true,   // doc: all parts but the last have the same size
			maxConcurrency: 2,      // 948, 1100: InternalError above 2 or 3
		},
		{
			name:          "backblaze-b2",                                             // 918, 941: MalformedTrailerError
			hosts:         []string{"s3.{region}.backblazeb2.com", "backblazeb2.com"}, // 264: the region is in the host
			noConditional: true,                                                       // 501 NotImplemented: sathinduga/obsidian-s3-sync-and-backup 78
		},
		{
			name:        "digitalocean", // 894
			hosts:       []string{"{region}.digitaloceanspaces.com"},
			virtualHost: true, // 447
		},
		{
			name:        "tigris",
			hosts:       []string{"fly.storage.tigris.dev", "t3.storage.dev"},
			exact:       true, // 905: other customers' buckets are below these names
			region:      "auto",
			noDeleteMD5: true,                                             // 842, 907
			header:      map[string]string{"X-Tigris-Consistent": "true"}, // 1077: listings lag between regions
		},
		{
			name:  "hetzner", // 943, 1059: Ceph, InvalidArgument for trailers
			hosts: []string{"{region}.your-objectstorage.com"},
		},
		{
			name:     "scaleway", // 940: 411 without Content-Length
			hosts:    []string{"s3.{region}.scw.cloud", "scw.cloud"},
			maxParts: 1000, // 276; databasus 617
		},
		{
			name:   "filebase", // 811
			hosts:  []string{"s3.filebase.com"},
			region: "us-east-1", // doc
		},
		{
			name:  "supabase", // 1133
			hosts: []string{"supabase.co"},
			path:  "/storage/v1/s3",
		},
		{
			name: "oracle-oci", // 802
			hosts: []string{
				"compat.objectstorage.{region}.oraclecloud.com", "compat.objectstorage.{region}.oci.customer-oci.com",
			},
		},
		{
			name:               "google",
			hosts:              []string{"storage.googleapis.com", "storage-download.googleapis.com", "storage.{region}.rep.googleapis.com"},
			region:             "auto", // doc
			noConditional:      true,   // doc: conditions on writes are x-goog-if-generation-match
			noBatchDelete:      true,   // minio/mc 2398: 400, 501; exists now, but single deletions work everywhere
			dropAcceptEncoding: true,   // 1394
		},
		{
			name:  "linode", // Ceph
			hosts: []string{"{region}.linodeobjects.com"},
		},
		{
			name:  "wasabi", // minio-go 774: no chunked signing
			hosts: []string{"s3.{region}.wasabisys.com"},
		},
		{
			name:   "wasabi",
			hosts:  []string{"s3.wasabisys.com"},
			region: "us-east-1",
		},
		{
			name: "aliyun-oss",
			hosts: []string{
				"oss-{region}-internal.aliyuncs.com", "oss-{region}.aliyuncs.com", "aliyuncs.com",
			},
			virtualHost:   true, // 575: SecondLevelDomainForbidden
			noConditional: true, // doc: x-oss-forbid-overwrite instead
		},
		{
			name:         "storj",
			hosts:        []string{"storjshare.io"},
			region:       "us-east-1",
			unsorted:     true, // 535
			noStartAfter: true, // useless without an order
		},
		{
			// MinIO, Ceph, Garage, SeaweedFS, RustFS, versitygw, JuiceFS and others, which
			// have no hosts of their own.
			name:  "unknown", // radosgw refuses trailers, 943
			hosts: []string{""},
			// MinIO, in its release of 2026-02: the prefix must be a whole name.
			uploadsByName: true,
		},
	}
}

// providerOf returns the row of an endpoint, with the differences of the kind of
// bucket. nil means AWS.
func providerOf(endpoint *url.URL, bucket string) provider {
	host, path := "s3.amazonaws.com", ""
	if endpoint != nil {
		host, path = strings.ToLower(strings.TrimSuffix(endpoint.Hostname(), ".")), endpoint.Path
	}
	var found provider
	for _, row := range providers() {
		if region, ok := row.match(host, path); ok {
			found = row
			found.noChecksum = row.name != "aws"
			if region != "" {
				found.region = region
			}
			break
		}
	}
	if isDirectoryBucket(bucket) {
		// Amazon S3 User Guide, "Differences for directory buckets": no order in
		// listings, no StartAfter, no Content-MD5.
		found.unsorted, found.noStartAfter, found.noDeleteMD5 = true, true, true
	}
	return found
}

// isDirectoryBucket reports whether a bucket is one of S3 Express One Zone, which its
// name shows.
func isDirectoryBucket(bucket string) bool { return strings.HasSuffix(bucket, "--x-s3") }

func (p provider) match(host, path string) (region string, ok bool) {
	if !strings.HasPrefix(path, p.path) {
		return "", false
	}
	for _, pattern := range p.hosts {
		if region, ok := matchHost(host, pattern, p.exact); ok {
			return region, true
		}
	}
	return "", false
}

// matchHost compares labels from the right, so that it ignores a bucket or an account
// before an endpoint.
func matchHost(host, pattern string, exact bool) (region string, ok bool) {
	if pattern == "" {
		return "", true
	}
	labels, want := strings.Split(host, "."), strings.Split(pattern, ".")
	front := len(labels) - len(want)
	if front < 0 || exact && front > 0 {
		return "", false
	}
	for i, label := range labels[front:] {
		before, after, wild := strings.Cut(want[i], "{region}")
		switch {
		case !wild && label != want[i]:
			return "", false
		case wild:
			rest, ok := strings.CutPrefix(label, before)
			if !ok {
				return "", false
			}
			if region, ok = strings.CutSuffix(rest, after); !ok || region == "" {
				return "", false
			}
		}
	}
	return region, true
}

// traits returns the differences that object.Client handles.
func (p provider) traits() object.Traits {
	t := object.Traits{
		Unsorted:          p.unsorted,
		NoStartAt:         p.noStartAfter,
		NoIfAbsent:        p.noConditional,
		UploadsUnfiltered: p.uploadsByName,
		EqualParts:        p.equalParts,
		MaxParts:          p.maxParts,
	}
	if !p.noBatchDelete {
		t.DeleteBatch = batchSize
	}
	return t
}
