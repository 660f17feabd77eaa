package s3

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/smithy-go"
	"github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/internal/ctxio"
)

// batch is what one DeleteObjects is to delete.
type batch struct {
	r      *replica
	op     string
	left   []string         // not deleted, and not failed for good
	unsure []string         // of which the service has said nothing
	why    map[string]error // the service's last word on keys that are left
	failed []error          // for good
}

// delete sends the keys, and again those that the service failed to delete in
// a way that may pass, until none is left or the policy gives up. The error is
// that of a request as a whole, which the SDK has repeated, or of the policy.
func (b *batch) delete(ctx context.Context) error {
	var sendErr error
	err := b.r.policy.Do(ctx, func(ctx context.Context) error {
		answers, err := b.send(ctx)
		if err != nil {
			sendErr = err
			return nil // the SDK has repeated it: once is enough
		}
		return b.judge(answers)
	})
	if sendErr != nil {
		return sendErr
	}
	return err
}

// failures returns an error for each key that is still there after delete has
// returned err.
func (b *batch) failures(ctx context.Context, err error) []error {
	for _, key := range b.left {
		cause := b.why[key]
		if cause == nil {
			cause = err
		}
		b.failed = append(b.failed, b.r.wrap(b.op, key, ctxio.Ended(ctx, cause)))
	}
	return b.failed
}

// judge sorts the keys by what the service says of each. The error is one of
// those that may pass, nil if there is none.
func (b *batch) judge(answers map[string]error) (again error) {
	var left []string
	for _, key := range b.left {
		answer, ok := answers[key]
		err := b.r.wrap(b.op, key, answer)
		switch {
		case !ok:
			b.unsure = append(b.unsure, key)
		case err == nil, isMissingKey(answer):
		case ltxstore.IsRetryable(err):
			left, again = append(left, key), err
		default:
			b.failed = append(b.failed, err)
		}
	}
	b.left, b.why = left, answers
	return again
}

// send makes one DeleteObjects and returns what it answers, by key: nil for
// what is deleted. That is asked for, although the opposite would be shorter:
// an answer that says nothing may be a proxy's.
func (b *batch) send(ctx context.Context) (map[string]error, error) {
	in := &s3.DeleteObjectsInput{Bucket: aws.String(b.r.cfg.Bucket), Delete: &types.Delete{}}
	asked := make(map[string]bool, len(b.left))
	for _, key := range b.left {
		in.Delete.Objects = append(in.Delete.Objects, types.ObjectIdentifier{Key: aws.String(key)})
		asked[key] = true
	}
	out, err := b.r.api.DeleteObjects(ctx, in, b.r.digests)
	if err != nil {
		return nil, err
	}
	answers := make(map[string]error, len(b.left))
	for _, deleted := range out.Deleted {
		answers[aws.ToString(deleted.Key)] = nil
	}
	for _, e := range out.Errors {
		key := aws.ToString(e.Key)
		answer := &smithy.GenericAPIError{Code: aws.ToString(e.Code), Message: aws.ToString(e.Message)}
		if !asked[key] {
			return nil, fmt.Errorf("server failed to delete %q, which it was not asked to: %w", key, answer)
		}
		answers[key] = answer
	}
	return answers, nil
}

// digests sets by what the service verifies a list of keys. The SDK sends a
// CRC in any case, and no Content-MD5, which older services require. S3 refuses
// a list with neither: without Content-MD5 the CRC stays, but for a service
// that takes neither.
func (r *replica) digests(o *s3.Options) {
	sum := r.cfg.ContentMD5 == MD5Always || r.cfg.ContentMD5 == MD5Auto && !r.provider.noDeleteMD5
	if sum {
		o.APIOptions = append(o.APIOptions, smithyhttp.AddContentChecksumMiddleware)
	}
	if noCRC := r.provider.noChecksum || r.cfg.Checksum == "none"; noCRC && sum || r.provider.noChecksum && r.provider.noDeleteMD5 {
		o.APIOptions = append(o.APIOptions, withoutCRC)
	}
}

func withoutCRC(stack *middleware.Stack) error {
	_, err := stack.Finalize.Remove("AWSChecksum:ComputeInputPayloadChecksum")
	return err
}

// isMissingKey reports that an object to delete was not there. A 404 that
// names nothing is the bucket's.
func isMissingKey(err error) bool {
	switch codeOf(err) {
	case "NoSuchKey", "NoSuchVersion":
		return true
	}
	return false
}
