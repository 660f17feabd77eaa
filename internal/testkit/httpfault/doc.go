// Package httpfault is a scripted layer around an HTTP server, for tests: it
// makes chosen requests fail, delays, truncates and damages their responses,
// and counts and records all requests.
//
//	layer := httpfault.New(handler)
//	layer.Add(&httpfault.Rule{Match: httpfault.Match{Method: "GET"}, Times: 20, Do: httpfault.Status(503, nil, "")})
//	server := httptest.NewServer(layer)
//
// Effects that break connections require HTTP/1, the default of httptest.
package httpfault
