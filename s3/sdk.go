package s3

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/credentials/stscreds"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go/logging"
	"github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/ltxstore/ltxstore/backend/oplog"
	"github.com/ltxstore/ltxstore/internal/scrub"
)

// loadSDK reads the environment and the shared configuration files. It sends
// nothing: credentials are looked up with the first request.
//
// What it returns has the client for looking them up. The SDK accepts its own
// type of client only where AWS_CA_BUNDLE is set (it fails every call with
// another), so that it gets one, with the certificates handed over; requests
// to S3 go through ours.
func loadSDK(ctx context.Context, cfg Config, log *oplog.Logger) (aws.Config, error) {
	options := []func(*config.LoadOptions) error{
		config.WithHTTPClient(awshttp.NewBuildableClient().WithTransportOptions(func(t *http.Transport) {
			t.ResponseHeaderTimeout = cfg.HTTP.ResponseTimeout
		})),
		config.WithRetryer(func() aws.Retryer { return aws.NopRetryer{} }), // object.Client repeats
		config.WithLogger(logging.LoggerFunc(func(level logging.Classification, format string, args ...any) {
			log.Get().Debug(log.Secrets.Text(fmt.Sprintf(format, args...)), "replica", typeName, "sdk", string(level))
		})),
	}
	if cfg.HTTP.CABundle != "" {
		pem, err := os.ReadFile(cfg.HTTP.CABundle)
		if err != nil {
			return aws.Config{}, err
		}
		options = append(options, config.WithCustomCABundle(bytes.NewReader(pem)))
	}
	if cfg.Profile != "" {
		options = append(options, config.WithSharedConfigProfile(cfg.Profile))
	}
	if cfg.AccessKeyID != "" {
		options = append(options, config.WithCredentialsProvider(
			credentials.NewStaticCredentialsProvider(cfg.AccessKeyID, cfg.SecretAccessKey, cfg.SessionToken)))
	}
	sdk, err := config.LoadDefaultConfig(ctx, options...)
	var noProfile config.SharedConfigProfileNotExistError
	if errors.As(err, &noProfile) {
		return sdk, invalid("Profile", noProfile.Profile, "want a profile of the shared configuration files")
	}
	return sdk, err
}

// assumeRole makes sdk use the credentials of RoleARN, if there is one.
func (cfg Config) assumeRole(sdk *aws.Config, secrets *scrub.Secrets) {
	if cfg.RoleARN == "" {
		return
	}
	client := sts.NewFromConfig(*sdk, func(o *sts.Options) {
		o.Region = firstOf(o.Region, cfg.Region, fallbackRegion)
	})
	sdk.Credentials = credentialsOf{secrets: secrets, CredentialsProvider: aws.NewCredentialsCache(stscreds.NewAssumeRoleProvider(client, cfg.RoleARN, func(o *stscreds.AssumeRoleOptions) {
		o.RoleSessionName = "ltxstore"
		if cfg.ExternalID != "" {
			o.ExternalID = &cfg.ExternalID
		}
	}))}
}

// newAPI returns the client. Nothing that alters the wire is left to the
// SDK's defaults or to the environment.
func newAPI(cfg Config, sdk aws.Config, p provider, region string) *s3.Client {
	return s3.NewFromConfig(sdk, func(o *s3.Options) {
		o.Region = region
		o.UsePathStyle = *cfg.PathStyle
		o.UseARNRegion = true
		if !strings.Contains(cfg.Bucket, directorySuffix) {
			o.ExpressCredentials = noSession{}
		}
		if cfg.Endpoint != "" {
			o.BaseEndpoint = aws.String(cfg.Endpoint) // &cfg.Endpoint would keep all of cfg
		}
		if cfg.DualStack {
			o.EndpointOptions.UseDualStackEndpoint = aws.DualStackEndpointStateEnabled
		}
		if cfg.FIPS {
			o.EndpointOptions.UseFIPSEndpoint = aws.FIPSEndpointStateEnabled
		}
		o.RequestChecksumCalculation = aws.RequestChecksumCalculationWhenRequired
		o.ResponseChecksumValidation = aws.ResponseChecksumValidationWhenRequired
		if cfg.ChecksumAlgorithm != checksumNone {
			o.RequestChecksumCalculation = aws.RequestChecksumCalculationWhenSupported
			o.ResponseChecksumValidation = aws.ResponseChecksumValidationWhenSupported
		}
		o.DisableLogOutputChecksumValidationSkipped = true
		o.APIOptions = append(o.APIOptions, refuseForeign)
		switch {
		case !cfg.signs():
			o.APIOptions = append(o.APIOptions, payloadHash(new(v4.UnsignedPayload)))
		case cfg.ChecksumAlgorithm == checksumNone:
			// Over TLS the SDK leaves bodies out of the signature, counting on a
			// checksum: without one, a body cut short would be stored as it came.
			o.APIOptions = append(o.APIOptions, payloadHash(new(v4.ComputePayloadSHA256)))
		}
		if len(p.header) > 0 {
			o.APIOptions = append(o.APIOptions, withHeader(p.header))
		}
		if p.dropAcceptEncoding || cfg.hideAcceptEncoding {
			o.APIOptions = append(o.APIOptions, signWithoutAcceptEncoding)
		}
	})
}

// directorySuffix is in the name of each directory bucket, and of each access point of one.
const directorySuffix = "--x"

// noSession stands for the sessions of directory buckets where the bucket is none: the SDK's own
// keeps a cache of them in each client, more than a third of its memory.
type noSession struct{}

// Retrieve implements s3.ExpressCredentialsProvider.
func (noSession) Retrieve(_ context.Context, bucket string) (aws.Credentials, error) {
	return aws.Credentials{}, fmt.Errorf("bucket %s has no sessions: want the name of a directory bucket", bucket)
}

// payloadHash chooses what the signature says of content: its SHA-256, or
// nothing. A checksum in a trailer has a word of its own there and keeps it.
func payloadHash(hash middleware.FinalizeMiddleware) func(*middleware.Stack) error {
	return func(stack *middleware.Stack) error {
		switch stack.ID() {
		case "PutObject", "UploadPart":
			_, err := stack.Finalize.Swap(hash.ID(), hash)
			return err
		}
		return nil
	}
}

func withHeader(header map[string]string) func(*middleware.Stack) error {
	return func(stack *middleware.Stack) error {
		return stack.Build.Add(middleware.BuildMiddlewareFunc("ltxstoreHeader",
			func(ctx context.Context, in middleware.BuildInput, next middleware.BuildHandler) (middleware.BuildOutput, middleware.Metadata, error) {
				if req, ok := in.Request.(*smithyhttp.Request); ok {
					for name, value := range header {
						req.Header.Set(name, value)
					}
				}
				return next.HandleBuild(ctx, in)
			}), middleware.After)
	}
}

// signWithoutAcceptEncoding takes the header away while the request is signed
// and puts it back.
func signWithoutAcceptEncoding(stack *middleware.Stack) error {
	const name = "Accept-Encoding"
	type key struct{}
	err := stack.Finalize.Insert(middleware.FinalizeMiddlewareFunc("ltxstoreHideAcceptEncoding",
		func(ctx context.Context, in middleware.FinalizeInput, next middleware.FinalizeHandler) (middleware.FinalizeOutput, middleware.Metadata, error) {
			if req, ok := in.Request.(*smithyhttp.Request); ok {
				ctx = context.WithValue(ctx, key{}, req.Header.Get(name))
				req.Header.Del(name)
			}
			return next.HandleFinalize(ctx, in)
		}), "Signing", middleware.Before)
	if err != nil {
		return err
	}
	return stack.Finalize.Insert(middleware.FinalizeMiddlewareFunc("ltxstoreShowAcceptEncoding",
		func(ctx context.Context, in middleware.FinalizeInput, next middleware.FinalizeHandler) (middleware.FinalizeOutput, middleware.Metadata, error) {
			if value, ok := ctx.Value(key{}).(string); ok && value != "" {
				if req, ok := in.Request.(*smithyhttp.Request); ok {
					req.Header.Set(name, value)
				}
			}
			return next.HandleFinalize(ctx, in)
		}), "Signing", middleware.After)
}
