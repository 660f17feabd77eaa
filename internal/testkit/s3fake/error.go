package s3fake

import (
	"encoding/xml"
	"errors"
	"net/http"
	"strconv"
)

// apiError is an error response.
type apiError struct {
	XMLName xml.Name `xml:"Error"`
	Code    string
	Message string
	Region  string `xml:",omitempty"`

	status int
}

func (e *apiError) Error() string { return e.Code + ": " + e.Message }

func fail(status int, code, message string) *apiError {
	return &apiError{Code: code, Message: message, status: status}
}

func (s *Server) sendError(w http.ResponseWriter, r *request, err error) {
	var api *apiError
	if !errors.As(err, &api) {
		api = fail(http.StatusInternalServerError, "InternalError", err.Error())
	}
	if r.Method == http.MethodHead {
		w.WriteHeader(api.status) // S3 says nothing more to a HEAD
		return
	}
	send(w, api.status, api)
}

func send(w http.ResponseWriter, status int, document any) {
	body, err := xml.Marshal(document)
	if err != nil {
		panic(err) // no document here can fail
	}
	body = append([]byte(xml.Header), body...)
	w.Header().Set("Content-Type", "application/xml")
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	_, _ = w.Write(body)
}
