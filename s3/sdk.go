package s3

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go/logging"
	"github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/ltxstore/ltxstore/backend/oplog"
)

// loadSDK reads the environment and the shared configuration files. It sends no
// request: credentials are fetched for the first one.
//
// The result has a client for fetching credentials. If AWS_CA_BUNDLE is set, the SDK
// accepts only its own type of client, so that it gets one with the same certificates.
// Requests to S3 use our client.
func loadSDK(ctx context.Context, cfg Config, log *oplog.Logger) (aws.Config, error) {
	options := []func(*config.LoadOptions) error{
		config.WithHTTPClient(awshttp.NewBuildableClient().WithTransportOptions(func(t *http.Transport) {
			t.ResponseHeaderTimeout = cfg.HTTP.ResponseTimeout
		})),
		config.WithCredentialsCacheOptions(refreshEarly),
		config.WithRetryer(func() aws.Retryer { return aws.NopRetryer{} }), // object.Client retries
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

// newAPI returns the client. All options that change requests are set explicitly, and
// not by defaults of the SDK or the environment.
func newAPI(cfg Config, sdk aws.Config, p provider, region string, sessions s3.ExpressCredentialsProvider) *s3.Client {
	return s3.NewFromConfig(sdk, func(o *s3.Options) {
		o.Region = region
		o.UsePathStyle = *cfg.PathStyle
		o.UseARNRegion = true
		o.ExpressCredentials = sessions
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
		o.APIOptions = append(o.APIOptions, refuseForeign, skipEmpty, readETag)
		switch {
		case !cfg.signs():
			o.APIOptions = append(o.APIOptions, payloadHash(new(v4.UnsignedPayload)))
		case cfg.ChecksumAlgorithm == checksumNone:
			// Over TLS the SDK omits bodies from the signature and relies on a checksum.
			// Without one, a truncated body would be stored.
			o.APIOptions = append(o.APIOptions, payloadHash(new(v4.ComputePayloadSHA256)))
		}
		for name, value := range p.header {
			o.APIOptions = append(o.APIOptions, smithyhttp.SetHeaderValue(name, value))
		}
		if p.dropAcceptEncoding || cfg.hideAcceptEncoding {
			o.APIOptions = append(o.APIOptions, signWithoutAcceptEncoding)
		}
	})
}

// payloadHash selects whether the signature contains the SHA-256 of the content. The
// special value for a checksum in a trailer is kept.
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

// signWithoutAcceptEncoding removes the header while the request is signed.
func signWithoutAcceptEncoding(stack *middleware.Stack) error {
	const name = "Accept-Encoding"
	signing, ok := stack.Finalize.Get("Signing")
	if !ok {
		return fmt.Errorf("%s is not signed", stack.ID())
	}
	_, err := stack.Finalize.Swap("Signing", middleware.FinalizeMiddlewareFunc("Signing",
		func(ctx context.Context, in middleware.FinalizeInput, next middleware.FinalizeHandler) (middleware.FinalizeOutput, middleware.Metadata, error) {
			req, ok := in.Request.(*smithyhttp.Request)
			if !ok || req.Header.Get(name) == "" {
				return signing.HandleFinalize(ctx, in, next)
			}
			value := req.Header.Get(name)
			req.Header.Del(name)
			return signing.HandleFinalize(ctx, in, middleware.FinalizeHandlerFunc(
				func(ctx context.Context, in middleware.FinalizeInput) (middleware.FinalizeOutput, middleware.Metadata, error) {
					req.Header.Set(name, value)
					return next.HandleFinalize(ctx, in)
				}))
		}))
	return err
}
