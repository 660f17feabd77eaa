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

// judge returns an error unless out answers in, which is of the same operation. That
// is so if it has what the operation needs, and if what it repeats of the request
// (bucket, prefix, key, upload) is what was asked. The name of its first element,
// root, decides only where an answer repeats nothing: services do not agree on these
// names.
func judge(root string, in, out any) error {
	var e echo
	switch out := out.(type) {
	case *s3.ListObjectsV2Output:
		in := in.(*s3.ListObjectsV2Input)
		if root == "ListAllMyBucketsResult" {
			return &foreignError{kind: ltxstore.ErrStoreNotFound, why: "a list of all buckets: the service does not see which bucket is meant; is PathStyle to be true?"}
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
		// Without an ETag the object is looked at.
		e.known = aws.ToString(out.ETag) != "" || root == "CompleteMultipartUploadResult" || root == ""
	case *s3.DeleteObjectsOutput:
		// Each key is looked for in it.
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
		return &foreignError{why: fmt.Sprintf("a document <%s> that has nothing of what was asked for", root)}
	}
	return nil
}

// echo is what an answer repeats of its request.
type echo struct {
	same    []string
	differs string // how it is not what was asked
	known   bool   // the answer is one to the request
}

func (e *echo) repeats(name string) bool { return slices.Contains(e.same, name) }

// bucket compares the bucket's name. An access point, by its ARN or its alias,
// is answered for by the bucket behind it, and a tenant of Ceph is left out.
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

// text compares something else. A service may encode it, whether it says so or
// not.
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
		e.differs = fmt.Sprintf("its %s is %q, asked for was %q", name, *got, want)
	}
}
