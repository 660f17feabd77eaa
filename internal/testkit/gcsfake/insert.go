package gcsfake

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"regexp"
	"slices"
	"strings"
)

// draft is an object that is being written, with the properties that its writer
// sets.
type draft struct {
	key        string
	object     Object
	expected   expected
	conditions []condition
}

// insertRequest has the properties of an object that a writer may set.
type insertRequest struct {
	Bucket, Name                               string
	ContentType, ContentEncoding, CacheControl string
	StorageClass                               string
	Metadata                                   map[string]string
	CRC32C, MD5Hash                            string
	Size                                       json.Number
}

var storageClasses = [...]string{standard, "NEARLINE", "COLDLINE", "ARCHIVE", "RAPID",
	"MULTI_REGIONAL", "REGIONAL", "DURABLE_REDUCED_AVAILABILITY"}

const kmsKeyForm = `^projects/[^/]+/locations/[^/]+/keyRings/[^/]+/cryptoKeys/[^/]+$`

// draft parses the properties of an object that is being written.
func (r *request) draft(description []byte, contentType string) (*draft, error) {
	in := insertRequest{StorageClass: standard}
	if err := json.Unmarshal(description, &in); err != nil && len(description) > 0 {
		return nil, fail(http.StatusBadRequest, "parseError", "Parse Error: "+err.Error())
	}
	keySHA256, err := r.customerKey()
	if err != nil {
		return nil, err
	}
	conditions, err := queryConditions(r.query)
	if err != nil {
		return nil, err
	}
	key, kms := cmp.Or(r.query.Get("name"), in.Name), r.query.Get("kmsKeyName")
	invalid := func(what string) (*draft, error) { return nil, fail(http.StatusBadRequest, "invalid", "Invalid "+what) }
	switch {
	case key == "":
		return nil, fail(http.StatusBadRequest, "required", "Required")
	case !validName(key) || in.Name != "" && in.Name != key:
		return invalid("object name: " + key)
	case in.Bucket != "" && in.Bucket != r.bucket:
		return invalid("bucket name: " + in.Bucket)
	case !slices.Contains(storageClasses[:], in.StorageClass):
		return invalid("storage class: " + in.StorageClass)
	case kms != "" && keySHA256 != "":
		return invalid("argument: a customer-supplied key and a Cloud KMS key")
	}
	if kms != "" {
		if ok, _ := regexp.MatchString(kmsKeyForm, kms); !ok {
			return nil, fail(http.StatusBadRequest, "cloudKmsBadKey", "Invalid Cloud KMS key name: "+kms)
		}
		kms += "/cryptoKeyVersions/1"
	}
	return &draft{
		key: key, conditions: conditions,
		expected: expected{in.CRC32C, in.MD5Hash, in.Size.String()}.with(r.Header),
		object: Object{
			ContentType:     cmp.Or(in.ContentType, contentType, "application/octet-stream"),
			ContentEncoding: in.ContentEncoding, CacheControl: in.CacheControl,
			Metadata: in.Metadata, StorageClass: in.StorageClass, KMSKeyName: kms, KeySHA256: keySHA256,
		},
	}, nil
}

// commit stores the draft if the content has the expected hashes and the
// conditions hold. The lock is held.
func (s *Server) commit(bucket string, d *draft, body []byte) (*Object, error) {
	if err := d.expected.verify(body); err != nil {
		return nil, err
	}
	if err := met(d.conditions, s.buckets[bucket].objects[d.key], false); err != nil {
		return nil, err
	}
	o := d.object
	o.Body = body
	s.put(bucket, d.key, &o)
	return &o, nil
}

// writeObject serves an upload in one request, with properties and content.
func (s *Server) writeObject(w http.ResponseWriter, r *request) error {
	body, err := readBody(r.Request)
	if err != nil && !s.opt.Eager {
		return err
	}
	description, media, err := parts(r.Header.Get("Content-Type"), body)
	if err != nil {
		return err
	}
	d, err := r.draft(description.body, media.contentType)
	if err != nil {
		return err
	}
	s.mu.Lock()
	o, err := s.commit(r.bucket, d, media.body)
	s.mu.Unlock()
	if err != nil {
		return err
	}
	return sendJSON(w, r, s.resource(r.bucket, d.key, o, true))
}

// readBody reads the whole body. If it is truncated, the beginning is returned
// with an error.
func readBody(r *http.Request) ([]byte, error) {
	var buf bytes.Buffer
	if r.ContentLength > 0 {
		buf.Grow(int(r.ContentLength) + bytes.MinRead)
	}
	if _, err := buf.ReadFrom(r.Body); err != nil {
		return buf.Bytes(), fail(http.StatusRequestTimeout, "uploadBrokenConnection", "The request's body was cut off: "+err.Error())
	}
	return buf.Bytes(), nil
}

type part struct {
	contentType string
	body        []byte
}

// parts splits a multipart upload into its two parts.
func parts(contentType string, body []byte) (description, media part, err error) {
	malformed := func(why string) (part, part, error) {
		return part{}, part{}, fail(http.StatusBadRequest, "badRequest", "Malformed multipart body: "+why)
	}
	kind, params, err := mime.ParseMediaType(contentType)
	if err != nil || kind != "multipart/related" || params["boundary"] == "" {
		return malformed("content type " + contentType)
	}
	in := multipart.NewReader(bytes.NewReader(body), params["boundary"])
	var found []part
	for {
		p, err := in.NextRawPart()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return malformed(err.Error())
		}
		content, err := io.ReadAll(p)
		if err != nil {
			return malformed(err.Error())
		}
		found = append(found, part{p.Header.Get("Content-Type"), content})
	}
	if len(found) != 2 || !strings.HasPrefix(found[0].contentType, "application/json") {
		return malformed("want a part of JSON and the media")
	}
	// The reader takes the end of the input for the closing boundary.
	if !bytes.HasSuffix(bytes.TrimRight(body, "\r\n"), []byte("\r\n--"+params["boundary"]+"--")) {
		return malformed("no closing boundary")
	}
	return found[0], found[1], nil
}
