package s3

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/internal/body"
	"github.com/ltxstore/ltxstore/internal/ctxio"
	"github.com/ltxstore/ltxstore/internal/verify"
)

// The SDK's transfer manager is not used: its parts do not grow, its buffers
// are not pooled, and it has no condition on the completion that this package
// could settle after a lost answer.

const (
	// abortTimeout is how long a failed write may take to clean up.
	abortTimeout = 10 * time.Second

	// answerGrace is how long a request whose answer matters goes on when the
	// caller has given up: without the answer an upload that nobody knows
	// of would stay, or a file would appear after its write was said to fail.
	answerGrace = time.Second
)

// stream is multipart for a body that passes through memory. first, if not
// nil, holds its beginning; what becomes a part is freed, the rest is the
// caller's.
func (u *upload) stream(ctx context.Context, first *body.Buffer, rest io.Reader, size int64) (stored, error) {
	src := &chunks{first: first, rest: rest, idle: make(chan *body.Buffer, max(u.cfg.Concurrency, 1))}
	defer src.close()
	if u.cfg.WriteOnce || u.cfg.Verify == ltxstore.VerifyReadback {
		src.crc = body.NewCRC64()
	}
	return u.multipart(ctx, src, size)
}

// multipart stores a body as a multipart upload; size is -1 if it is not
// known. Whatever fails, a panic included, the upload is aborted when no part
// is under way any more.
func (u *upload) multipart(ctx context.Context, src parts, size int64) (stored, error) {
	plan, err := newPlan(u.cfg.PartSize, size, u.provider)
	if err != nil {
		return stored{}, err
	}
	id, began, err := u.create(ctx)
	if err != nil {
		return stored{}, err
	}
	completed := false
	defer func() {
		if !completed {
			u.abort(ctx, id)
		}
	}()

	list, sent, err := u.sendParts(ctx, id, src, plan)
	if err != nil {
		return stored{}, err
	}
	if err := ctxio.Err(ctx); err != nil {
		return stored{}, err
	}
	done, err := u.complete(ctx, id, list, sent, began, src)
	if err != nil {
		return stored{}, err
	}
	completed = !done.earlier
	return done, u.verify(ctx, sent, src.sum)
}

// create begins an upload. It returns when that was, by the service's clock.
func (u *upload) create(ctx context.Context) (id string, began time.Time, err error) {
	in := &s3.CreateMultipartUploadInput{
		Bucket:            aws.String(u.cfg.Bucket),
		Key:               aws.String(u.key),
		Metadata:          u.metadata,
		StorageClass:      types.StorageClass(u.cfg.StorageClass),
		ChecksumAlgorithm: u.checksum(),
		Tagging:           tagging(u.cfg.Tags),
	}
	if in.ChecksumAlgorithm == types.ChecksumAlgorithmCrc64nvme {
		in.ChecksumType = types.ChecksumTypeFullObject // the only one that it has
	}
	in.SSECustomerAlgorithm, in.SSECustomerKey, in.SSECustomerKeyMD5 = u.cfg.customerKey()
	in.ServerSideEncryption, in.SSEKMSKeyId, in.SSEKMSEncryptionContext = u.encryption()

	ctx, cancel := ctxio.Outlive(ctx, answerGrace)
	defer cancel()
	out, err := u.api.CreateMultipartUpload(ctx, in)
	if err != nil {
		return "", time.Time{}, err
	}
	if aws.ToString(out.UploadId) == "" {
		return "", time.Time{}, errors.New("service answered CreateMultipartUpload without an upload's ID")
	}
	return *out.UploadId, answeredAt(out.ResultMetadata), nil
}

// sendParts sends the body, at most Concurrency parts at once, of which one may
// still be read from the source. When it returns nothing is under way. The
// first failure ends everything else.
func (u *upload) sendParts(ctx context.Context, id string, src parts, plan plan) (list []types.CompletedPart, sent int64, err error) {
	var (
		wg     sync.WaitGroup
		done   []*types.CompletedPart
		flying = newFlight(max(u.cfg.Concurrency, 1), plan.base)
	)
	defer wg.Wait()
	for {
		size := plan.next(len(done), sent)
		// Before the part is read: what waits for its turn would be one part
		// more in memory.
		memory := src.memory(size)
		if !flying.enter(ctx, memory) {
			return nil, 0, context.Cause(ctx)
		}
		p, err := src.next(max(size, 1)) // also at the limit: the body may be at its end
		if err == nil && size == 0 {
			p.free()
			err = plan.tooLarge(sent)
		}
		if err == io.EOF {
			break
		}
		if err != nil {
			u.cancel(err)
			return nil, 0, err
		}
		sent += p.size
		completed := &types.CompletedPart{PartNumber: aws.Int32(int32(len(done) + 1))}
		done = append(done, completed)
		wg.Go(func() {
			defer flying.leave(memory)
			defer p.free()
			if err := u.sendPart(ctx, id, p, completed); err != nil {
				u.cancel(err)
			}
		})
	}
	wg.Wait()
	if ctx.Err() != nil {
		return nil, 0, context.Cause(ctx)
	}
	if len(done) == 0 {
		return nil, 0, fmt.Errorf("body is empty: want an LTX file: %w", fs.ErrInvalid)
	}
	for _, part := range done {
		list = append(list, *part)
	}
	return list, sent, nil
}

// sendPart sends a part and fills in what the completion has to say of it.
func (u *upload) sendPart(ctx context.Context, id string, p piece, completed *types.CompletedPart) (err error) {
	content := newSending(p.body, p.size)
	ctx, cancel := content.outlive(ctx)
	defer cancel()
	in := &s3.UploadPartInput{
		Bucket:            aws.String(u.cfg.Bucket),
		Key:               aws.String(u.key),
		UploadId:          aws.String(id),
		PartNumber:        completed.PartNumber,
		Body:              content,
		ContentLength:     aws.Int64(p.size),
		ChecksumAlgorithm: u.checksum(),
	}
	if in.ContentMD5, err = u.contentMD5(content); err != nil {
		return err
	}
	in.SSECustomerAlgorithm, in.SSECustomerKey, in.SSECustomerKeyMD5 = u.cfg.customerKey()
	out, err := u.api.UploadPart(ctx, in)
	if err != nil {
		return u.aborted(err)
	}
	completed.ETag = out.ETag
	if in.ChecksumAlgorithm != "" {
		// Some services refuse these where CreateMultipartUpload has not
		// named the algorithm.
		completed.ChecksumCRC32, completed.ChecksumCRC32C = out.ChecksumCRC32, out.ChecksumCRC32C
		completed.ChecksumCRC64NVME, completed.ChecksumSHA256 = out.ChecksumCRC64NVME, out.ChecksumSHA256
	}
	return nil
}

// aborted is the error of an upload that somebody else has ended, DeleteAll
// for one. It may succeed when it is done again.
func (u *upload) aborted(err error) error {
	if !isNoUpload(err) {
		return err
	}
	return &ltxstore.Error{Op: "write", Backend: backend, Key: u.key, Kind: ltxstore.ErrUnavailable, Err: u.cfg.place(&u.log.Secrets).describe(err)}
}

func isNoUpload(err error) bool { return codeOf(err) == "NoSuchUpload" }

// complete makes the object of the parts.
func (u *upload) complete(ctx context.Context, id string, list []types.CompletedPart, size int64, began time.Time, src parts) (stored, error) {
	ctx, cancel := ctxio.Outlive(ctx, answerGrace)
	defer cancel()
	done, err := u.once(ctx, size, src.sum, func(ctx context.Context, opts ...func(*s3.Options)) (time.Time, error) {
		return u.sendCompletion(ctx, id, list, size, opts...)
	})
	if err == nil {
		done.at, err = u.serviceTime(ctx, done.at)
		return done, err
	}
	if u.cfg.WriteOnce || !isNoUpload(err) {
		return stored{}, u.aborted(err)
	}
	// The SDK has sent the request again after an answer was lost, or somebody
	// has aborted the upload.
	if head, headErr := u.head(ctx, u.key, ""); headErr == nil && head.size == size && !head.modified.Before(began.Truncate(time.Second)) {
		return stored{size: size, at: head.modified}, nil
	}
	return stored{}, u.aborted(err)
}

func (u *upload) sendCompletion(ctx context.Context, id string, list []types.CompletedPart, size int64, opts ...func(*s3.Options)) (time.Time, error) {
	in := &s3.CompleteMultipartUploadInput{
		Bucket:          aws.String(u.cfg.Bucket),
		Key:             aws.String(u.key),
		UploadId:        aws.String(id),
		MultipartUpload: &types.CompletedMultipartUpload{Parts: list},
		IfNoneMatch:     u.condition(),
	}
	if u.checksum() == types.ChecksumAlgorithmCrc64nvme {
		in.ChecksumType = types.ChecksumTypeFullObject
	}
	in.SSECustomerAlgorithm, in.SSECustomerKey, in.SSECustomerKeyMD5 = u.cfg.customerKey()
	out, err := u.api.CompleteMultipartUpload(ctx, in, opts...)
	if err != nil {
		return time.Time{}, err
	}
	// The answer begins with 200 before the work is done: without a result in
	// it, it says nothing.
	return answeredAt(out.ResultMetadata), u.acknowledged(ctx, out.ETag, size, opts...)
}

// acknowledged looks at the object after an answer without an ETag: not every
// 200 is the service's.
func (u *upload) acknowledged(ctx context.Context, etag *string, size int64, opts ...func(*s3.Options)) error {
	if aws.ToString(etag) != "" {
		return nil
	}
	head, err := u.head(ctx, u.key, "", opts...)
	switch {
	case isMissing(err):
		return verify.ErrAbsent
	case err != nil:
		return err
	case head.size != size:
		return verify.SizeMismatch(head.size, size)
	}
	return nil
}

// abort ends an upload, whose parts would be billed for ever. It does so also
// when ctx has ended, and when the source panics.
//
// A part that was cut off may still be arriving at the service, and bring the
// upload back to life: S3's documentation of AbortMultipartUpload says to
// abort again until ListParts finds nothing. That costs one request more.
func (u *upload) abort(ctx context.Context, id string) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), abortTimeout)
	defer cancel()
	policy := u.policy
	policy.Retryable = func(err error) bool { return errors.Is(err, errStays) }
	if err := policy.Do(ctx, func(ctx context.Context) error { return u.abortOnce(ctx, id) }); err != nil {
		u.log.Get().LogAttrs(ctx, slog.LevelWarn, "ltx upload cannot be aborted: DeleteAll removes it",
			slog.String("replica", backend), slog.String("key", u.key), slog.Any("error", u.cfg.place(&u.log.Secrets).describe(err)))
	}
}

// errStays means that an upload is still there after it was aborted.
var errStays = errors.New("the upload is still there")

// abortOnce aborts an upload and looks whether it is gone.
func (u *upload) abortOnce(ctx context.Context, id string) error {
	_, err := u.api.AbortMultipartUpload(ctx, &s3.AbortMultipartUploadInput{
		Bucket: aws.String(u.cfg.Bucket), Key: aws.String(u.key), UploadId: aws.String(id)})
	switch {
	case isNoUpload(err):
		return nil
	case err != nil:
		return err
	}
	in := &s3.ListPartsInput{Bucket: aws.String(u.cfg.Bucket), Key: aws.String(u.key), UploadId: aws.String(id), MaxParts: aws.Int32(1)}
	in.SSECustomerAlgorithm, in.SSECustomerKey, in.SSECustomerKeyMD5 = u.cfg.customerKey()
	_, err = u.api.ListParts(ctx, in)
	switch kind := kindOf(err); {
	case err == nil:
		return errStays
	case isNoUpload(err), errors.Is(kind, fs.ErrNotExist), errors.Is(kind, fs.ErrPermission), errors.Is(kind, errors.ErrUnsupported):
		return nil // gone, or nothing that may be looked at
	}
	return err
}
