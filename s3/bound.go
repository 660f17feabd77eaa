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
	// maxDocument is more than a listing can have: 1000 keys of 1024 bytes, each
	// escaped as three.
	maxDocument = 8 << 20

	// maxError is more than is needed of an error, of a proxy's page, or of a body
	// that is discarded.
	maxError = 256 << 10
)

// errTooLong is the error of reading a response that is too long.
var errTooLong = errors.New("response is longer than any of S3's")

// boundAnswers limits the size of all responses except the content of objects,
// because the SDK reads responses into memory, or to their end. It is the last
// middleware before the connection.
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

// skipEmpty prevents the SDK from looking for an error in an empty response, for which it would
// allocate a decoder of 4 KiB in each small write, a tenth of all.
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

// readETag prevents the SDK from parsing the response to a small write, for which it would make the
// canonical names of 26 headers. Only the ETag is needed.
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

// readAgain reads the beginning of a response so that it can be read again.
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
