package s3

import (
	"context"
	"fmt"
	"net/http"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/ltxstore/ltxstore/backend/transport"
	"github.com/ltxstore/ltxstore/internal/flow"
)

// directorySuffix is part of the names of directory buckets and their access points.
const directorySuffix = "--x"

// sessions returns the credentials of the session with a directory bucket, which all clients
// with the transport t and the same configuration share. The SDK has a provider for each
// client, whose cache is more than a third of the memory of the client.
func (cfg Config) sessions(sdk aws.Config, t http.RoundTripper, p provider) s3.ExpressCredentialsProvider {
	if !strings.Contains(cfg.Bucket, directorySuffix) {
		return noSession{}
	}
	key := fmt.Sprintf("session %s %s %s %s %t %t", cfg.Bucket, cfg.Endpoint, cfg.Region, cfg.identity(sdk), cfg.DualStack, cfg.FIPS)
	return transport.Share(t, key, func() *session { return &session{api: newAPI(cfg, sdk, p, cfg.Region, noSession{})} })
}

// session is a session with a directory bucket. It ends after five minutes.
type session struct {
	flow.Fresh[aws.Credentials]
	api *s3.Client
}

// Retrieve implements s3.ExpressCredentialsProvider.
func (s *session) Retrieve(ctx context.Context, bucket string) (aws.Credentials, error) {
	return s.Get(ctx, func(ctx context.Context) (flow.Lease[aws.Credentials], error) {
		out, err := s.api.CreateSession(ctx, &s3.CreateSessionInput{Bucket: &bucket})
		if err != nil {
			return flow.Lease[aws.Credentials]{}, err
		}
		if out.Credentials == nil {
			return flow.Lease[aws.Credentials]{}, fmt.Errorf("response to CreateSession for bucket %s has no credentials", bucket)
		}
		expires := aws.ToTime(out.Credentials.Expiration)
		return flow.Lease[aws.Credentials]{Refresh: expires.Add(-fetchEarly), Expires: expires, Value: aws.Credentials{
			AccessKeyID:     aws.ToString(out.Credentials.AccessKeyId),
			SecretAccessKey: aws.ToString(out.Credentials.SecretAccessKey),
			SessionToken:    aws.ToString(out.Credentials.SessionToken),
			CanExpire:       true,
			Expires:         expires,
		}}, nil
	})
}

// noSession is used for buckets that are not directory buckets.
type noSession struct{}

// Retrieve implements s3.ExpressCredentialsProvider.
func (noSession) Retrieve(_ context.Context, bucket string) (aws.Credentials, error) {
	return aws.Credentials{}, fmt.Errorf("bucket %s has no sessions: want the name of a directory bucket", bucket)
}
