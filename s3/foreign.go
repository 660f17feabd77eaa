package s3

import (
	"bufio"
	"bytes"
	"context"
	"encoding/xml"
	"fmt"
	"io"
	"strings"

	"github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/ltxstore/ltxstore"
)

// refuseForeign makes an answer of success a failure that is none of
// the service's: a proxy's page, or nothing at all. The SDK reads whatever
// comes. An empty listing would end one of several pages, a DeleteAll would
// report success, and a page would pass for a file.
//
// It is here, below the retries, so that such an answer is repeated. What it
// cannot tell of PutObject and CompleteMultipartUpload, upload.acknowledged
// finds out, and of DeleteObjects batch.judge.
func refuseForeign(stack *middleware.Stack) error {
	var known func(*smithyhttp.Response) bool
	switch stack.ID() {
	case "ListObjectsV2", "ListMultipartUploads", "CreateMultipartUpload":
		known = func(resp *smithyhttp.Response) bool { return isDocument(resp, false) }
	case "DeleteObjects", "CompleteMultipartUpload":
		known = func(resp *smithyhttp.Response) bool { return isDocument(resp, true) }
	case "GetObject", "HeadObject":
		// A service may leave out one of the two. A part of an object is none
		// of anything else.
		known = func(resp *smithyhttp.Response) bool {
			return resp.StatusCode == 206 || resp.Header.Get("ETag") != "" || resp.Header.Get("Last-Modified") != ""
		}
	case "UploadPart": // its completion needs this
		known = func(resp *smithyhttp.Response) bool { return resp.Header.Get("ETag") != "" }
	case "DeleteObject": // it has no content
		known = func(resp *smithyhttp.Response) bool { return resp.StatusCode == 204 || resp.ContentLength == 0 }
	default:
		return nil
	}
	return stack.Deserialize.Insert(middleware.DeserializeMiddlewareFunc("ltxstoreRefuseForeign",
		func(ctx context.Context, in middleware.DeserializeInput, next middleware.DeserializeHandler) (middleware.DeserializeOutput, middleware.Metadata, error) {
			out, metadata, err := next.HandleDeserialize(ctx, in)
			if resp, ok := out.RawResponse.(*smithyhttp.Response); err == nil && ok && resp.StatusCode/100 == 2 && !known(resp) {
				err = fmt.Errorf("%w: something else than the service answered", ltxstore.ErrUnavailable)
			}
			return out, metadata, err
		}), "OperationDeserializer", middleware.After)
}

// maxProlog is how far an answer's first element may be from its beginning.
const maxProlog = 4 << 10

// isDocument looks at the first element of an answer: S3 calls them all
// something like ListBucketResult. empty says whether there may be none.
func isDocument(resp *smithyhttp.Response, empty bool) bool {
	body := bufio.NewReaderSize(resp.Body, maxProlog)
	head, err := body.Peek(maxProlog)
	resp.Body = struct {
		io.Reader
		io.Closer
	}{body, resp.Body}
	name, ok := firstElement(head)
	if !ok {
		// One that broke off fails where it is read.
		return empty || err != nil && err != io.EOF
	}
	return strings.HasSuffix(name, "Result")
}

func firstElement(head []byte) (name string, ok bool) {
	for d := xml.NewDecoder(bytes.NewReader(head)); ; {
		token, err := d.RawToken()
		if err != nil {
			return "", false
		}
		if start, ok := token.(xml.StartElement); ok {
			return start.Name.Local, true
		}
	}
}
