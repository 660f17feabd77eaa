// Package httpfault is a scripted layer over any HTTP server, for tests: it
// fails, delays, cuts and damages chosen exchanges, and counts and records
// them all.
//
//	layer := httpfault.New(handler)
//	layer.Add(&httpfault.Rule{Match: httpfault.Match{Method: "GET"}, Times: 20, Do: httpfault.Status(503, nil, "")})
//	server := httptest.NewServer(layer)
//
// Effects that break connections need HTTP/1, which is what httptest serves by
// default.
package httpfault
