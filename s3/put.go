package s3

import (
	"context"
	"crypto/md5"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/url"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/smithy-go/middleware"

	"github.com/ltxstore/ltxstore/internal/body"
)

// single stores a body in one request. open returns a reader of the whole body
// and may be called several times, one reader after the other.
func (u *upload) single(ctx context.Context, open func() io.ReadSeeker, size int64) (stored, error) {
	sum := func() (uint64, error) {
		sum, _, err := body.CRC64(open())
		return sum, err
	}
	done, err := u.once(ctx, size, sum, func(ctx context.Context, opts ...func(*s3.Options)) (time.Time, error) {
		return u.put(ctx, open(), size, opts...)
	})
	if err != nil {
		return stored{}, err
	}
	if done.at, err = u.serviceTime(ctx, done.at); err != nil {
		return stored{}, err
	}
	return done, u.verify(ctx, size, sum)
}

// put sends one PutObject and returns when it was answered.
func (u *upload) put(ctx context.Context, whole io.ReadSeeker, size int64, opts ...func(*s3.Options)) (time.Time, error) {
	content := newSending(whole, size)
	ctx, cancel := content.outlive(ctx)
	defer cancel()
	in := &s3.PutObjectInput{
		Bucket:            aws.String(u.cfg.Bucket),
		Key:               aws.String(u.key),
		Body:              content,
		ContentLength:     aws.Int64(size),
		Metadata:          u.metadata,
		StorageClass:      types.StorageClass(u.cfg.StorageClass),
		ChecksumAlgorithm: u.checksum(),
		IfNoneMatch:       u.condition(),
		Tagging:           tagging(u.cfg.Tags),
	}
	var err error
	if in.ContentMD5, err = u.contentMD5(content); err != nil {
		return time.Time{}, err
	}
	in.SSECustomerAlgorithm, in.SSECustomerKey, in.SSECustomerKeyMD5 = u.cfg.customerKey()
	in.ServerSideEncryption, in.SSEKMSKeyId, in.SSEKMSEncryptionContext = u.encryption()
	out, err := u.api.PutObject(ctx, in, opts...)
	if err != nil {
		return time.Time{}, err
	}
	return answeredAt(out.ResultMetadata), u.acknowledged(ctx, out.ETag, size, opts...)
}

// answeredAt returns the Date of an answer.
func answeredAt(answer middleware.Metadata) time.Time {
	at, _ := awsmiddleware.GetServerTime(answer)
	return at
}

// condition refuses to replace an object (clause W6).
func (u *upload) condition() *string {
	if u.cfg.WriteOnce {
		return aws.String("*")
	}
	return nil
}

// checksum returns the algorithm by which the service verifies what it gets;
// empty where it takes none.
func (u *upload) checksum() types.ChecksumAlgorithm {
	if u.provider.noChecksum || u.cfg.Checksum == checksumNone {
		return ""
	}
	return types.ChecksumAlgorithm(strings.ToUpper(u.cfg.Checksum))
}

// contentMD5 reads a body once to sum it.
func (u *upload) contentMD5(content io.ReadSeeker) (*string, error) {
	if u.cfg.ContentMD5 != MD5Always {
		return nil, nil
	}
	h := md5.New()
	if _, err := io.Copy(h, content); err != nil {
		return nil, err
	}
	if _, err := content.Seek(0, io.SeekStart); err != nil {
		return nil, err
	}
	return aws.String(base64.StdEncoding.EncodeToString(h.Sum(nil))), nil
}

// encryption returns what is asked of the service: its own key, or one of KMS.
func (u *upload) encryption() (sse types.ServerSideEncryption, keyID, kmsContext *string) {
	sse = types.ServerSideEncryption(u.cfg.SSE)
	if u.cfg.KMSKeyID != "" {
		keyID = aws.String(u.cfg.KMSKeyID)
	}
	if len(u.cfg.KMSContext) > 0 {
		text, err := json.Marshal(u.cfg.KMSContext)
		if err != nil {
			panic("s3: a map of strings is always JSON: " + err.Error())
		}
		kmsContext = aws.String(base64.StdEncoding.EncodeToString(text))
	}
	return sse, keyID, kmsContext
}

// tagging returns the tags as a query, as the header wants them.
func tagging(tags map[string]string) *string {
	if len(tags) == 0 {
		return nil
	}
	values := make(url.Values, len(tags))
	for name, value := range tags {
		values.Set(name, value)
	}
	return aws.String(values.Encode())
}
