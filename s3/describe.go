package s3

import (
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/ltxstore/ltxstore/backend/transport"
	"github.com/ltxstore/ltxstore/internal/scrub"
)

// service describes errors. The messages of the SDK begin with two hundred characters of
// request IDs, and have neither bucket nor endpoint.
func (cfg Config) service(secrets *scrub.Secrets) *transport.Service {
	return &transport.Service{Answer: answerTo, Place: cfg.place(), Secrets: secrets}
}

func (cfg Config) place() string {
	switch {
	case cfg.Endpoint != "":
		return fmt.Sprintf("bucket %q at %s", cfg.Bucket, cfg.Endpoint)
	case cfg.Region != "":
		return fmt.Sprintf("bucket %q in %s", cfg.Bucket, cfg.Region)
	}
	return fmt.Sprintf("bucket %q", cfg.Bucket)
}

// serviceName is the SDK's name of S3.
const serviceName = "S3"

// answerTo returns what is known about the response that caused an error.
func answerTo(err error) *transport.Answer {
	var operation *smithy.OperationError
	if !errors.As(err, &operation) || operation.Service() != serviceName {
		return nil
	}
	answer := &transport.Answer{Operation: operation.Operation(), Hint: hintOf(err), Err: operation}
	answer.Code, answer.Message = inWords(operation)
	var requested interface{ ServiceRequestID() string }
	if errors.As(operation, &requested) {
		answer.RequestID = requested.ServiceRequestID()
	}
	got := answerOf(operation)
	if got == nil {
		return answer
	}
	answer.Status, answer.Header = got.StatusCode, got.Header
	answer.Request = got.Request
	return answer
}

// inWords returns the code and the message of a failure, those of the service if it
// has sent any.
func inWords(operation *smithy.OperationError) (code, message string) {
	var (
		missing *credentialsError
		foreign *foreignError
		api     smithy.APIError
		send    *smithyhttp.RequestSendError
		answer  *smithyhttp.ResponseError
	)
	switch {
	case errors.As(operation, &missing):
		return "", missing.Error()
	case errors.As(operation, &foreign):
		return "", foreign.Error()
	case errors.As(operation, &api) && api.ErrorCode() != "" && api.ErrorCode() != "UnknownError":
		return api.ErrorCode(), strings.TrimRight(api.ErrorMessage(), ". ")
	case errors.As(operation, &send):
		return "", send.Err.Error()
	case !errors.As(operation, &answer) || answer.Err == nil:
		return "", operation.Err.Error()
	case answer.HTTPStatusCode() < http.StatusMultipleChoices:
		return "", answer.Err.Error()
	}
	return "", "" // only the status is known
}
