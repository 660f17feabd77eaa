package s3

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/arn"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/backend/oplog"
	"github.com/ltxstore/ltxstore/internal/flow"
	"github.com/ltxstore/ltxstore/internal/retry"
)

// fallbackRegion is the region that is asked for that of the bucket, and the region of
// services without regions.
const fallbackRegion = "us-east-1"

const regionHeader = "X-Amz-Bucket-Region"

// regionWithoutAsking returns the region if it is known without a request, or the empty
// string. configured is the region of the environment or the profile.
func regionWithoutAsking(cfg Config, configured string, p provider) string {
	if access, err := arn.Parse(cfg.Bucket); err == nil {
		// A multi-region access point has no region, and signatures are for all.
		return cmp.Or(access.Region, configured, fallbackRegion)
	}
	return cmp.Or(configured, p.region)
}

// askRegion returns the region of the bucket, with a HEAD: the response has the region
// in a header, even in the wrong region and with any status. Unlike GetBucketLocation,
// it needs no permission.
func askRegion(ctx context.Context, cfg Config, api *s3.Client, log *oplog.Logger) (string, error) {
	service := cfg.service(&log.Secrets)
	unknown := func(kind, err error) error {
		return &ltxstore.Error{Op: "init", Backend: typeName, Kind: kind,
			Err: service.Describe(fmt.Errorf("the region of bucket %s is unknown: set Region: %w", cfg.Bucket, err))}
	}
	if isDirectoryBucket(cfg.Bucket) {
		return "", unknown(fs.ErrInvalid, errors.New("a directory bucket can only be found in its region"))
	}
	policy := retry.Policy{MaxAttempts: cfg.Retry.MaxAttempts, BaseDelay: cfg.Retry.BaseDelay, MaxDelay: cfg.Retry.MaxDelay,
		Retryable: retryable, OnRetry: log.Retried(typeName, service.Describe)}
	var out *s3.HeadBucketOutput
	err := policy.Do(ctx, func(ctx context.Context) (err error) {
		out, err = api.HeadBucket(ctx, &s3.HeadBucketInput{Bucket: &cfg.Bucket})
		return err
	})
	if err == nil {
		// The signature for the fallback region was accepted, so that it is the region.
		return cmp.Or(aws.ToString(out.BucketRegion), fallbackRegion), nil
	}
	if ended := flow.Err(ctx); ended != nil {
		return "", ended
	}
	if region := headerOf(err).Get(regionHeader); isRegion(region) {
		return region, nil
	}
	if cfg.Endpoint != "" && statusOf(err) != 0 && !retryable(err) {
		return fallbackRegion, nil
	}
	return "", unknown(kindOf(err), err)
}
