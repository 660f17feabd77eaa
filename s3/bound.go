package s3

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/ltxstore/ltxstore/backend/transport"
)

const (
	// maxDocument is more than a listing of 1000 keys of 1024 bytes can be,
	// each byte written as three.
	maxDocument = 8 << 20

	// maxError is more than an error has to say, a proxy's page, or what is read
	// for nothing.
	maxError = 256 << 10
)

// errTooLong ends the reading of an answer.
var errTooLong = errors.New("response is longer than any of S3's")

// boundAnswers lets no answer but an object's content be longer than one of
// the service's can be: the SDK reads all into memory, and what it does not
// need to its end. It is the next one to the wire.
func boundAnswers(operation string) middleware.DeserializeMiddleware {
	return middleware.DeserializeMiddlewareFunc("ltxstoreBound",
		func(ctx context.Context, in middleware.DeserializeInput, next middleware.DeserializeHandler) (middleware.DeserializeOutput, middleware.Metadata, error) {
			out, metadata, err := next.HandleDeserialize(ctx, in)
			if resp, ok := out.RawResponse.(*smithyhttp.Response); ok {
				switch ok := resp.StatusCode/100 == 2; {
				case ok && operation == "GetObject":
				case ok && hasDocument(operation):
					resp.Body = transport.Bound(resp.Body, maxDocument, errTooLong)
				default:
					resp.Body = transport.Bound(resp.Body, maxError, errTooLong)
				}
			}
			return out, metadata, err
		})
}

// skipEmpty keeps the SDK from looking for an error in an answer without content: for each small
// write it would allocate a decoder of 4 KiB, a tenth of all.
func skipEmpty(stack *middleware.Stack) error {
	const id = "S3:ProcessResponseFor200Error"
	look, found := stack.Deserialize.Get(id)
	if !found {
		return nil
	}
	_, err := stack.Deserialize.Swap(id, middleware.DeserializeMiddlewareFunc(id,
		func(ctx context.Context, in middleware.DeserializeInput, next middleware.DeserializeHandler) (middleware.DeserializeOutput, middleware.Metadata, error) {
			out, metadata, err := next.HandleDeserialize(ctx, in)
			if resp, ok := out.RawResponse.(*smithyhttp.Response); err != nil || ok && resp.ContentLength == 0 {
				return out, metadata, err
			}
			return look.HandleDeserialize(ctx, in, middleware.DeserializeHandlerFunc(
				func(context.Context, middleware.DeserializeInput) (middleware.DeserializeOutput, middleware.Metadata, error) {
					return out, metadata, nil
				}))
		}))
	return err
}

// readETag keeps the SDK from looking for all that an answer to a small write may have: it makes
// the canonical name of each of 26 headers, and only the ETag is needed.
func readETag(stack *middleware.Stack) error {
	const id = "OperationDeserializer"
	read, found := stack.Deserialize.Get(id)
	if !found || stack.ID() != "PutObject" {
		return nil
	}
	_, err := stack.Deserialize.Swap(id, middleware.DeserializeMiddlewareFunc(id,
		func(ctx context.Context, in middleware.DeserializeInput, next middleware.DeserializeHandler) (middleware.DeserializeOutput, middleware.Metadata, error) {
			out, metadata, err := next.HandleDeserialize(ctx, in)
			resp, ok := out.RawResponse.(*smithyhttp.Response)
			if err != nil || !ok || resp.StatusCode/100 != 2 {
				return read.HandleDeserialize(ctx, in, middleware.DeserializeHandlerFunc(
					func(context.Context, middleware.DeserializeInput) (middleware.DeserializeOutput, middleware.Metadata, error) {
						return out, metadata, err
					}))
			}
			smithyhttp.CloseResponseBody(ctx, resp, false, nil)
			out.Result = &s3.PutObjectOutput{ETag: transport.Optional(strings.TrimSpace(resp.Header.Get("ETag")))}
			return out, metadata, nil
		}))
	return err
}

// readAgain reads the beginning of an answer that somebody else will read.
type readAgain struct{ buf bytes.Buffer }

func (r *readAgain) from(resp *smithyhttp.Response) io.Reader {
	return io.TeeReader(resp.Body, &r.buf)
}

func (r *readAgain) rewind(resp *smithyhttp.Response) {
	resp.Body = struct {
		io.Reader
		io.Closer
	}{io.MultiReader(&r.buf, resp.Body), resp.Body}
}
