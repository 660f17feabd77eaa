package gcsfake

import (
	"bytes"
	"cmp"
	"encoding/json"
	"encoding/xml"
	"errors"
	"net/http"
	"strconv"
	"strings"
)

const noBucket = "The specified bucket does not exist."

// apiError is an error response.
type apiError struct {
	status          int
	reason, message string
	plain           bool // text, in whatever API
}

func (e *apiError) Error() string { return e.reason + ": " + e.message }

func fail(status int, reason, message string) *apiError {
	return &apiError{status: status, reason: reason, message: message}
}

func noObject(r *request) *apiError {
	return fail(http.StatusNotFound, "notFound", "No such object: "+r.bucket+"/"+r.key)
}

// xmlCodes are the XML API's codes for the reasons of the JSON API.
var xmlCodes = map[string]string{
	"notFound":                     "NoSuchKey",
	"conditionNotMet":              "PreconditionFailed",
	"requestedRangeNotSatisfiable": "InvalidRange",
	"required":                     "AuthenticationRequired",
	"authError":                    "AuthenticationRequired",
	"forbidden":                    "AccessDenied",
}

func sendError(w http.ResponseWriter, r *request, err error) {
	var e *apiError
	if !errors.As(err, &e) {
		e = fail(http.StatusInternalServerError, "internalError", err.Error())
	}
	switch {
	case e.status == http.StatusNotModified || r.Method == http.MethodHead:
		w.WriteHeader(e.status)
	case e.plain || r.api == mediaAPI:
		send(w, e.status, "text/plain; charset=utf-8", []byte(e.message))
	case r.api == xmlAPI:
		code := cmp.Or(xmlCodes[e.reason], strings.ToUpper(e.reason[:1])+e.reason[1:])
		if e.message == noBucket {
			code = "NoSuchBucket"
		}
		body, _ := xml.Marshal(struct {
			XMLName       xml.Name `xml:"Error"`
			Code, Message string
		}{Code: code, Message: e.message})
		send(w, e.status, "application/xml; charset=UTF-8", append([]byte(xml.Header), body...))
	default:
		item := map[string]any{"domain": "global", "reason": e.reason, "message": e.message}
		send(w, e.status, jsonType, encode(map[string]any{
			"error": map[string]any{"code": e.status, "message": e.message, "errors": []any{item}},
		}))
	}
}

const jsonType = "application/json; charset=UTF-8"

// sendJSON sends the fields of the document that the request selects.
func sendJSON(w http.ResponseWriter, r *request, document map[string]any) error {
	fields, err := parseFields(r.query.Get("fields"))
	if err != nil {
		return err
	}
	send(w, http.StatusOK, jsonType, encode(fields.of(document)))
	return nil
}

func encode(document any) []byte {
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(document); err != nil {
		panic(err) // no document here can fail
	}
	return buf.Bytes()
}

func send(w http.ResponseWriter, status int, contentType string, body []byte) {
	w.Header().Set("Content-Type", contentType)
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	_, _ = w.Write(body) // who went away wants no error
}
