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
		config.WithCredentialsCacheOptions(refreshEarly),
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

// newAPI returns the client. Nothing that alters the wire is left to the
// SDK's defaults or to the environment.
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
			// Over TLS the SDK leaves bodies out of the signature, counting on a
			// checksum: without one, a body cut short would be stored as it came.
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

// signWithoutAcceptEncoding takes the header away while the request is signed
// and puts it back.
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
