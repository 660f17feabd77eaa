package transport_test

import (
	"fmt"
	"net/http"

	"github.com/ltxstore/ltxstore/backend/object"
	"github.com/ltxstore/ltxstore/backend/transport"
)

// The error table of a service begins with the status.
func ExampleFailure() {
	classify := func(res *http.Response) object.Failure {
		return transport.Failure(transport.KindOfStatus(res.StatusCode), res.Header)
	}
	failure := classify(&http.Response{StatusCode: http.StatusServiceUnavailable, Header: http.Header{"Retry-After": {"3"}}})
	fmt.Println(failure.Kind, failure.RetryAfter)
	fmt.Println(classify(&http.Response{StatusCode: http.StatusForbidden}).Kind)
	// Output:
	// throttled by the store 3s
	// permission denied
}

// An endpoint is http or https, and what the error says can be shown to anybody.
func ExampleParseEndpoint() {
	for _, endpoint := range []string{"https://kv.example:8443/", "127.0.0.1:9000", "ftp://kv.example"} {
		fmt.Println(transport.ParseEndpoint(endpoint))
	}
	// Output:
	// https://kv.example:8443/ <nil>
	// <nil> want a URL such as https://host, with an optional port and path
	// <nil> want a URL such as https://host, with an optional port and path
}
