package s3

import (
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/ltxstore/ltxstore"
)

// judge returns an error unless out is a response to in. It must contain what the
// operation needs, and any bucket, prefix, key or upload in it must be that of the
// request. The name of its first element, root, decides only if it has none of these,
// because services use different names.
func judge(root string, in, out any) error {
	var e echo
	switch out := out.(type) {
	case *s3.ListObjectsV2Output:
		in := in.(*s3.ListObjectsV2Input)
		if root == "ListAllMyBucketsResult" {
			return &foreignError{kind: ltxstore.ErrStoreNotFound, why: "a list of all buckets, as if the request named none: should PathStyle be true?"}
		}
		e.bucket(in.Bucket, out.Name)
		e.text("Prefix", in.Prefix, out.Prefix, out.EncodingType)
		says := out.Prefix != nil || out.IsTruncated != nil || out.KeyCount != nil || len(out.Contents)+len(out.CommonPrefixes) > 0
		e.known = e.repeats("Name") || root == "ListBucketResult" && says
	case *s3.ListMultipartUploadsOutput:
		in := in.(*s3.ListMultipartUploadsInput)
		e.bucket(in.Bucket, out.Bucket)
		e.text("Prefix", in.Prefix, out.Prefix, out.EncodingType)
		says := out.Prefix != nil || out.IsTruncated != nil || len(out.Uploads) > 0
		e.known = e.repeats("Name") || root == "ListMultipartUploadsResult" && says
	case *s3.ListPartsOutput:
		in := in.(*s3.ListPartsInput)
		e.bucket(in.Bucket, out.Bucket)
		e.text("Key", in.Key, out.Key, "")
		e.text("UploadId", in.UploadId, out.UploadId, "")
		e.known = e.repeats("UploadId") || root == "ListPartsResult"
	case *s3.CreateMultipartUploadOutput:
		in := in.(*s3.CreateMultipartUploadInput)
		e.bucket(in.Bucket, out.Bucket)
		e.text("Key", in.Key, out.Key, "")
		e.known = aws.ToString(out.UploadId) != ""
	case *s3.CompleteMultipartUploadOutput:
		in := in.(*s3.CompleteMultipartUploadInput)
		e.bucket(in.Bucket, out.Bucket)
		e.text("Key", in.Key, out.Key, "")
		// Without an ETag a HEAD is sent.
		e.known = aws.ToString(out.ETag) != "" || root == "CompleteMultipartUploadResult" || root == ""
	case *s3.DeleteObjectsOutput:
		// DeleteBatch checks each key.
		e.known = len(out.Deleted)+len(out.Errors) > 0 || root == "DeleteResult" || root == ""
	default:
		return nil
	}
	switch {
	case e.differs != "":
		return &foreignError{why: e.differs}
	case !e.known && root == "":
		return &foreignError{why: "nothing"}
	case !e.known:
		return &foreignError{why: fmt.Sprintf("a document <%s> without the expected content", root)}
	}
	return nil
}

// echo has the parts of the request that the response repeats.
type echo struct {
	same    []string
	differs string // the difference from the request
	known   bool   // it is a response to the request
}

func (e *echo) repeats(name string) bool { return slices.Contains(e.same, name) }

// bucket compares the bucket's name. The response for an access point (its ARN or
// alias) has the name of the bucket behind it, and that for Ceph omits the tenant.
func (e *echo) bucket(asked, got *string) {
	name := aws.ToString(asked)
	if strings.HasPrefix(name, "arn:") || strings.HasSuffix(name, "-s3alias") || strings.HasSuffix(name, "--ol-s3") {
		if got != nil {
			e.same = append(e.same, "Name")
		}
		return
	}
	if _, bare, ok := strings.Cut(name, ":"); ok && aws.ToString(got) == bare {
		asked = &bare
	}
	if aws.ToString(got) != "" {
		e.text("Name", asked, got, "")
	}
}

// text compares another text. A service may encode it, whether it says so or not.
func (e *echo) text(name string, asked, got *string, encoding types.EncodingType) {
	if got == nil {
		return
	}
	want := aws.ToString(asked)
	decoded, err := url.QueryUnescape(*got)
	if *got == want || *got == "/"+want || decodeKey(got, encoding) == want || err == nil && decoded == want {
		e.same = append(e.same, name)
		return
	}
	if e.differs == "" {
		e.differs = fmt.Sprintf("its %s is %q instead of %q", name, *got, want)
	}
}
