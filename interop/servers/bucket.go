package servers

import (
	"bytes"
	"context"
	"crypto/md5"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

// Bucket accesses a bucket of a server with plain requests of the SDK, as
// another program would.
type Bucket struct {
	// Name is the name of the bucket.
	Name string

	server *Server
	sse    customerKey
}

func newAPI(s *Server, client *http.Client) *s3.Client {
	return s3.New(s3.Options{
		BaseEndpoint:               aws.String(s.Endpoint),
		Region:                     s.Region,
		UsePathStyle:               true,
		Credentials:                credentials.NewStaticCredentialsProvider(s.AccessKey, s.SecretKey, ""),
		HTTPClient:                 client,
		RequestChecksumCalculation: aws.RequestChecksumCalculationWhenRequired,
	})
}

// NewBucket makes a bucket with a new name.
func (s *Server) NewBucket(tb testing.TB) *Bucket {
	tb.Helper()
	b := &Bucket{Name: "interop-" + strings.ToLower(rand.Text()[:12]), server: s}
	if _, err := s.api.CreateBucket(tb.Context(), &s3.CreateBucketInput{Bucket: &b.Name}); err != nil {
		tb.Fatalf("make a bucket on %s: %v", s.Name, err)
	}
	return b
}

// WithCustomerKey returns the same bucket for objects that the server encrypts
// with this key of 32 bytes (SSE-C).
func (b *Bucket) WithCustomerKey(key []byte) *Bucket {
	other := *b
	sum := md5.Sum(key)
	other.sse = customerKey{
		algorithm: aws.String("AES256"),
		key:       aws.String(base64.StdEncoding.EncodeToString(key)),
		md5:       aws.String(base64.StdEncoding.EncodeToString(sum[:])),
	}
	return &other
}

// customerKey has nil fields if there is no key.
type customerKey struct{ algorithm, key, md5 *string }

// Put stores body at key without metadata.
func (b *Bucket) Put(ctx context.Context, key string, body []byte) error {
	_, err := b.server.api.PutObject(ctx, &s3.PutObjectInput{
		Bucket: &b.Name, Key: &key, Body: bytes.NewReader(body),
		SSECustomerAlgorithm: b.sse.algorithm, SSECustomerKey: b.sse.key, SSECustomerKeyMD5: b.sse.md5,
	})
	return err
}

// Get returns an object's content.
func (b *Bucket) Get(ctx context.Context, key string) ([]byte, error) {
	out, err := b.server.api.GetObject(ctx, &s3.GetObjectInput{
		Bucket: &b.Name, Key: &key,
		SSECustomerAlgorithm: b.sse.algorithm, SSECustomerKey: b.sse.key, SSECustomerKeyMD5: b.sse.md5,
	})
	if err != nil {
		return nil, err
	}
	defer out.Body.Close()
	var content bytes.Buffer
	_, err = content.ReadFrom(out.Body)
	return content.Bytes(), err
}

// Strip copies an object onto itself without its metadata.
func (b *Bucket) Strip(ctx context.Context, key string) error {
	// A plus sign is a space to versitygw.
	source := strings.ReplaceAll((&url.URL{Path: b.Name + "/" + key}).EscapedPath(), "+", "%2B")
	_, err := b.server.api.CopyObject(ctx, &s3.CopyObjectInput{
		Bucket: &b.Name, Key: &key,
		CopySource:           &source,
		MetadataDirective:    types.MetadataDirectiveReplace,
		SSECustomerAlgorithm: b.sse.algorithm, SSECustomerKey: b.sse.key, SSECustomerKeyMD5: b.sse.md5,
		CopySourceSSECustomerAlgorithm: b.sse.algorithm, CopySourceSSECustomerKey: b.sse.key, CopySourceSSECustomerKeyMD5: b.sse.md5,
	})
	return err
}

// Keys returns the keys of all objects that start with prefix, in the server's
// order.
func (b *Bucket) Keys(ctx context.Context, prefix string) ([]string, error) {
	var keys []string
	pages := s3.NewListObjectsV2Paginator(b.server.api, &s3.ListObjectsV2Input{Bucket: &b.Name, Prefix: &prefix})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, err
		}
		for _, object := range page.Contents {
			if object.Key == nil {
				return nil, fmt.Errorf("%s lists an object without a key", b.server.Name)
			}
			keys = append(keys, *object.Key)
		}
	}
	return keys, nil
}

// StartUpload starts a multipart upload and does not complete it, like a client
// that is killed.
func (b *Bucket) StartUpload(ctx context.Context, key string) error {
	_, err := b.server.api.CreateMultipartUpload(ctx, &s3.CreateMultipartUploadInput{
		Bucket: &b.Name, Key: &key,
		SSECustomerAlgorithm: b.sse.algorithm, SSECustomerKey: b.sse.key, SSECustomerKeyMD5: b.sse.md5,
	})
	return err
}

// Uploads returns the keys of unfinished multipart uploads that start with
// prefix, one for each upload. MinIO lists only the uploads of one exact key,
// so that prefix must be that key.
func (b *Bucket) Uploads(ctx context.Context, prefix string) ([]string, error) {
	var found []string
	in := &s3.ListMultipartUploadsInput{Bucket: &b.Name, Prefix: &prefix}
	for {
		out, err := b.server.api.ListMultipartUploads(ctx, in)
		if err != nil {
			return nil, err
		}
		for _, upload := range out.Uploads {
			found = append(found, aws.ToString(upload.Key))
		}
		if !aws.ToBool(out.IsTruncated) {
			return found, nil
		}
		in.KeyMarker, in.UploadIdMarker = out.NextKeyMarker, out.NextUploadIdMarker
	}
}
