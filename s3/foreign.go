package s3

import (
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"strings"

	"github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/backend/transport"
)

// refuseForeign turns a response that is not from the service into a failure: a page
// of a proxy, the response to another request, an empty one, or a 404 that does not
// say what is missing. The SDK accepts all of these: an empty listing would end one of
// several pages, a DeleteAll would report success, a page would be read as a file, and
// a missing route would be reported as a missing file.
//
// It runs below the retries, so that such a request is retried. Responses that it
// cannot recognize are checked later: those to PutObject and CompleteMultipartUpload
// by acknowledged, those to DeleteObjects by DeleteBatch, and the 404 of a HEAD by
// confirm.
func refuseForeign(stack *middleware.Stack) error {
	operation := stack.ID()
	type inputKey struct{}
	type rootKey struct{}

	if hasDocument(operation) {
		err := stack.Initialize.Add(middleware.InitializeMiddlewareFunc("ltxstoreKeepInput",
			func(ctx context.Context, in middleware.InitializeInput, next middleware.InitializeHandler) (middleware.InitializeOutput, middleware.Metadata, error) {
				return next.HandleInitialize(middleware.WithStackValue(ctx, inputKey{}, in.Parameters), in)
			}), middleware.After)
		if err != nil {
			return err
		}
	}

	// After the SDK has parsed the response: its content.
	err := stack.Deserialize.Insert(middleware.DeserializeMiddlewareFunc("ltxstoreRefuseForeign",
		func(ctx context.Context, in middleware.DeserializeInput, next middleware.DeserializeHandler) (middleware.DeserializeOutput, middleware.Metadata, error) {
			out, metadata, err := next.HandleDeserialize(ctx, in)
			resp, ok := out.RawResponse.(*smithyhttp.Response)
			switch {
			case !ok || resp.StatusCode/100 != 2:
			case err == nil:
				root, _ := metadata.Get(rootKey{}).(string)
				err = judge(root, middleware.GetStackValue(ctx, inputKey{}), out.Result)
			case isUnreadable(err):
				err = &foreignError{why: "it cannot be read", err: err}
			}
			return out, metadata, err
		}), "OperationDeserializer", middleware.Before)
	if err != nil {
		return err
	}

	// Before that: the header and the first element.
	err = stack.Deserialize.Insert(middleware.DeserializeMiddlewareFunc("ltxstoreRefuseForeignHeader",
		func(ctx context.Context, in middleware.DeserializeInput, next middleware.DeserializeHandler) (middleware.DeserializeOutput, middleware.Metadata, error) {
			out, metadata, err := next.HandleDeserialize(ctx, in)
			resp, ok := out.RawResponse.(*smithyhttp.Response)
			switch {
			case err != nil || !ok:
			case transport.Compressed(resp.Header) != "":
				resp.Body.Close()
				resp.Body = http.NoBody
				err = &foreignError{why: transport.Compressed(resp.Header)}
			case resp.StatusCode == http.StatusPartialContent && resp.Header.Get("Content-Range") == "":
				resp.Body.Close()
				resp.Body = http.NoBody
				err = &foreignError{why: "a part without Content-Range"}
			case resp.StatusCode == http.StatusNotFound && operation != "HeadObject" && operation != "HeadBucket" && !isErrorDocument(resp):
				err = &foreignError{why: "a 404 without an error code of S3"}
			case operation == "ListMultipartUploads" && isUnsupported(resp.StatusCode) && resp.ContentLength != 0 && !isErrorDocument(resp):
				err = &foreignError{why: "a page"} // not a response of the service that it lacks the operation
			case resp.StatusCode == http.StatusBadRequest && !isErrorDocument(resp):
				// A TLS server responds to plain HTTP with a text.
				if page, _ := peek(resp, 4<<10); transport.Speaks(errors.New(page)) != "" {
					err = &foreignError{why: strings.TrimSpace(page), kind: fs.ErrInvalid}
				}
			case resp.StatusCode/100 != 2:
			case !knownHeader(operation, resp):
				resp.Body.Close()
				resp.Body = http.NoBody // otherwise it would be read to its end
				err = &foreignError{why: fmt.Sprintf("Content-Type is %q", resp.Header.Get("Content-Type"))}
			case hasDocument(operation):
				metadata.Set(rootKey{}, rootOf(resp))
			}
			return out, metadata, err
		}), "OperationDeserializer", middleware.After)
	if err != nil {
		return err
	}
	return stack.Deserialize.Add(boundAnswers(operation), middleware.After)
}

// foreignError is the error for a response that does not belong to the request.
type foreignError struct {
	why  string
	kind error // nil means ErrUnavailable, because it may be temporary
	err  error // may be nil
}

func (e *foreignError) Error() string {
	text := "unexpected response, perhaps from a proxy: " + e.why
	if e.err != nil {
		text += ": " + e.err.Error()
	}
	return text
}

func (e *foreignError) Unwrap() []error {
	kind := e.kind
	if kind == nil {
		kind = ltxstore.ErrUnavailable
	}
	if e.err == nil {
		return []error{kind}
	}
	return []error{kind, e.err}
}

// isUnreadable reports whether a response is not a document, or only part of one.
func isUnreadable(err error) bool {
	var syntax *xml.SyntaxError
	return errors.As(err, &syntax)
}

// isUnsupported reports whether a status means that a service lacks an operation.
func isUnsupported(status int) bool {
	return status == http.StatusNotImplemented || status == http.StatusMethodNotAllowed
}

// knownHeader reports whether the header of a successful response is from the service.
func knownHeader(operation string, resp *smithyhttp.Response) bool {
	switch operation {
	case "GetObject", "HeadObject":
		// A service may omit one of the two headers. Only the service returns a part of
		// an object.
		return resp.StatusCode == http.StatusPartialContent || resp.Header.Get("ETag") != "" || resp.Header.Get("Last-Modified") != ""
	case "UploadPart": // the completion needs it
		return resp.Header.Get("ETag") != ""
	case "DeleteObject", "AbortMultipartUpload": // they have no content
		return resp.StatusCode == http.StatusNoContent || resp.ContentLength == 0
	}
	return true
}

// hasDocument reports whether the response to an operation is XML.
func hasDocument(operation string) bool {
	switch operation {
	case "ListObjectsV2", "ListMultipartUploads", "ListParts", "CreateMultipartUpload", "CompleteMultipartUpload", "DeleteObjects":
		return true
	}
	return false
}

// rootOf returns the name of the first element of a response, or the empty string,
// without consuming the response.
func rootOf(resp *smithyhttp.Response) string {
	var read readAgain
	defer read.rewind(resp)
	for d := xml.NewDecoder(read.from(resp)); ; {
		token, err := d.RawToken()
		if err != nil {
			return ""
		}
		if start, ok := token.(xml.StartElement); ok {
			return start.Name.Local
		}
	}
}

// peek returns the first bytes of a response without consuming it.
func peek(resp *smithyhttp.Response, size int64) (string, error) {
	var read readAgain
	defer read.rewind(resp)
	first, err := io.ReadAll(io.LimitReader(read.from(resp), size))
	return string(first), err
}

// isErrorDocument reports whether a response is an error of S3 with a code, without
// consuming it.
func isErrorDocument(resp *smithyhttp.Response) bool {
	var read readAgain
	defer read.rewind(resp)
	var document struct {
		XMLName xml.Name `xml:"Error"`
		Code    string
	}
	return xml.NewDecoder(read.from(resp)).Decode(&document) == nil && document.Code != ""
}
