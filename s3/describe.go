package s3

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/ltxstore/ltxstore/internal/scrub"
)

// place is where a client's errors happen, and what they may not say. The zero
// value is nowhere.
type place struct {
	bucket, endpoint, region string
	secrets                  *scrub.Secrets
}

func (cfg Config) place(secrets *scrub.Secrets) place {
	return place{bucket: cfg.Bucket, endpoint: cfg.Endpoint, region: cfg.Region, secrets: secrets}
}

// String returns the empty string for nowhere.
func (p place) String() string {
	switch {
	case p.bucket == "":
		return ""
	case p.endpoint != "":
		return fmt.Sprintf("bucket %q at %s", p.bucket, p.endpoint)
	case p.region != "":
		return fmt.Sprintf("bucket %q in %s", p.bucket, p.region)
	}
	return fmt.Sprintf("bucket %q", p.bucket)
}

// describe returns err with a text for people, free of secrets: what is wrong
// and how to mend it, then what the service said, then where that was. The
// SDK's own text begins with two hundred characters of request IDs and names
// neither bucket nor endpoint. errors.Is and errors.As see what they saw.
func (p place) describe(err error) error {
	text, details := err.Error(), []string{}
	if where := p.String(); where != "" {
		details = append(details, where)
	}
	var operation *smithy.OperationError
	if errors.As(err, &operation) && operation.Service() == serviceName {
		text = strings.Replace(text, operation.Error(), inWords(operation), 1)
		details = append(details, exchange(operation))
	}
	if hint := hintOf(err, p); hint != "" {
		text = hint + ": " + text
	}
	where := ""
	if len(details) > 0 {
		where = " (" + strings.Join(details, "; ") + ")"
	}
	// What was sent is as good as a secret, and a server may repeat it.
	var sent scrub.Secrets
	if answer := answerOf(err); answer != nil && answer.Request != nil {
		for _, name := range []string{"Authorization", "X-Amz-Security-Token", "X-Amz-S3session-Token", "X-Amz-Server-Side-Encryption-Customer-Key"} {
			value := answer.Request.Header.Get(name)
			_, signature, _ := strings.Cut(value, "Signature=")
			sent.Add(value, signature)
		}
	}
	clean := func(text string) string { return p.secrets.Text(sent.Text(text)) }
	return scrub.Reworded(err, cut(clean(text))+cut(clean(where)))
}

// maxText is as much as a service is let say in an error. What is longer is cut
// when it is clean: of a secret, half would be left.
const maxText = 4 << 10

func cut(text string) string {
	if len(text) <= maxText {
		return text
	}
	return strings.ToValidUTF8(text[:maxText], "") + "…"
}

// serviceName is what the SDK calls S3.
const serviceName = "S3"

// inWords says why a request has failed, in the service's words if it has some.
func inWords(operation *smithy.OperationError) string {
	var (
		missing *credentialsError
		foreign *foreignError
		api     smithy.APIError
		send    *smithyhttp.RequestSendError
		answer  *smithyhttp.ResponseError
	)
	switch {
	case errors.As(operation, &missing):
		return missing.Error()
	case errors.As(operation, &foreign):
		return foreign.Error()
	case errors.As(operation, &api) && api.ErrorCode() != "" && api.ErrorCode() != "UnknownError":
		code, message := api.ErrorCode(), strings.TrimRight(api.ErrorMessage(), ". ")
		if message == "" || strings.EqualFold(strings.ReplaceAll(message, " ", ""), code) { // the SDK's, of the status
			return cmp.Or(message, code)
		}
		return code + ": " + message
	case errors.As(operation, &send):
		return send.Err.Error()
	case errors.As(operation, &answer) && answer.Err != nil:
		if status := answer.HTTPStatusCode(); status >= 300 {
			return cmp.Or(http.StatusText(status), "the service failed")
		}
		return answer.Err.Error()
	}
	return operation.Err.Error()
}

// exchange says which request failed and how it was answered.
func exchange(operation *smithy.OperationError) string {
	text := operation.Operation()
	if answer := answerOf(operation); answer != nil && answer.StatusCode != 0 {
		text += fmt.Sprintf(" was answered with %d", answer.StatusCode)
	}
	var requested interface{ ServiceRequestID() string }
	if errors.As(operation, &requested) && requested.ServiceRequestID() != "" {
		text += ", request ID " + requested.ServiceRequestID()
	}
	return text
}
