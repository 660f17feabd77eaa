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

// refuseForeign makes an answer that is none of the service's a failure: a
// proxy's page, the answer to another request, nothing at all, or a 404 that
// does not say what is missing. The SDK reads whatever comes. An empty listing
// would end one of several pages, a DeleteAll would report success, a page
// would pass for a file, and a route that is away for a missing one.
//
// It is here, below the retries, so that such an answer is repeated. What it
// cannot tell of PutObject and CompleteMultipartUpload, upload.acknowledged
// finds out, of DeleteObjects batch.judge, and of a HEAD's 404 replica.confirm.
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

	// Above what reads the answer: what it says.
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

	// Below it: the header, and the first element.
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
			case resp.StatusCode == http.StatusNotFound && operation != "HeadObject" && operation != "HeadBucket" && !isErrorDocument(resp):
				err = &foreignError{why: "a 404 without an error code of S3"}
			case operation == "ListMultipartUploads" && isUnsupported(resp.StatusCode) && resp.ContentLength != 0 && !isErrorDocument(resp):
				err = &foreignError{why: "a page"} // not the service's word that it has none
			case resp.StatusCode == http.StatusBadRequest && !isErrorDocument(resp):
				// A server over TLS that was spoken to without says so in words.
				if page, _ := peek(resp, 4<<10); transport.Speaks(errors.New(page)) != "" {
					err = &foreignError{why: strings.TrimSpace(page), kind: fs.ErrInvalid}
				}
			case resp.StatusCode/100 != 2:
			case !knownHeader(operation, resp):
				resp.Body.Close()
				resp.Body = http.NoBody // it would be read to its end
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

// foreignError is that of an answer that is none to the request.
type foreignError struct {
	why  string
	kind error // ErrUnavailable if nil: it may pass
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

// isUnreadable reports whether an answer is not a document, or a part of one.
func isUnreadable(err error) bool {
	var syntax *xml.SyntaxError
	return errors.As(err, &syntax)
}

// isUnsupported reports that a status says that a service lacks an operation.
func isUnsupported(status int) bool {
	return status == http.StatusNotImplemented || status == http.StatusMethodNotAllowed
}

// knownHeader reports whether the header of a successful answer is the
// service's.
func knownHeader(operation string, resp *smithyhttp.Response) bool {
	switch operation {
	case "GetObject", "HeadObject":
		// A service may leave out one of the two. A part of an object is none
		// of anything else.
		return resp.StatusCode == http.StatusPartialContent || resp.Header.Get("ETag") != "" || resp.Header.Get("Last-Modified") != ""
	case "UploadPart": // its completion needs this
		return resp.Header.Get("ETag") != ""
	case "DeleteObject", "AbortMultipartUpload": // they have no content
		return resp.StatusCode == http.StatusNoContent || resp.ContentLength == 0
	}
	return true
}

// hasDocument reports that an operation is answered with XML.
func hasDocument(operation string) bool {
	switch operation {
	case "ListObjectsV2", "ListMultipartUploads", "ListParts", "CreateMultipartUpload", "CompleteMultipartUpload", "DeleteObjects":
		return true
	}
	return false
}

// rootOf returns the name of an answer's first element, or the empty string,
// and leaves the answer as it was.
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

// peek returns the first bytes of an answer, and leaves it as it was.
func peek(resp *smithyhttp.Response, size int64) (string, error) {
	var read readAgain
	defer read.rewind(resp)
	first, err := io.ReadAll(io.LimitReader(read.from(resp), size))
	return string(first), err
}

// isErrorDocument reports that an answer is an error of S3 with a code, and
// leaves it as it was.
func isErrorDocument(resp *smithyhttp.Response) bool {
	var read readAgain
	defer read.rewind(resp)
	var document struct {
		XMLName xml.Name `xml:"Error"`
		Code    string
	}
	return xml.NewDecoder(read.from(resp)).Decode(&document) == nil && document.Code != ""
}
