package rangeio_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing/iotest"

	"github.com/ltxstore/ltxstore/backend/rangeio"
)

// A size of 0 is the rest of the file, and a range may go beyond its end.
func ExampleClamp() {
	fmt.Println(rangeio.Clamp(10, 0, 100))
	fmt.Println(rangeio.Clamp(90, 20, 100))
	fmt.Println(rangeio.HTTPRange(10, 0), rangeio.HTTPRange(90, 20))
	// Output:
	// 10 90
	// 90 10
	// bytes=10- bytes=90-109
}

// twice is a Retrier that repeats a failure once, without a wait.
type twice struct{}

func (twice) Do(ctx context.Context, op func(context.Context) error) error {
	if op(ctx) == nil {
		return nil
	}
	return op(ctx)
}

// A Reader goes on where a transfer broke off.
func ExampleNewReader() {
	const content = "the bytes of one version of a file"
	body := io.MultiReader(strings.NewReader(content[:9]), iotest.ErrReader(errors.New("connection reset")))
	r := rangeio.NewReader(context.Background(), rangeio.Config{
		Body: io.NopCloser(body),
		Size: int64(len(content)),
		Open: func(_ context.Context, offset, length int64) (io.ReadCloser, error) {
			fmt.Println("open", rangeio.HTTPRange(offset, length))
			return io.NopCloser(strings.NewReader(content[offset : offset+length])), nil
		},
		Retry: twice{},
	})
	defer r.Close()
	b, err := io.ReadAll(r)
	fmt.Println(string(b), err)
	// Output:
	// open bytes=9-33
	// the bytes of one version of a file <nil>
}
