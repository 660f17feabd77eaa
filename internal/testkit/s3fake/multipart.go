package s3fake

import (
	"encoding/xml"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// upload is an unfinished multipart upload.
type upload struct {
	id, bucket, key string
	header          http.Header
	keyMD5          string
	algorithm, kind string // of the checksum: "crc32", "FULL_OBJECT"
	begun           time.Time
	parts           map[int]*part
}

type part struct {
	body []byte
	etag string
	sums map[string]string
}

// newUpload adds an upload with a new ID. The lock is held.
func (s *Server) newUpload(bucket string, u *upload) {
	s.uploads++
	u.id, u.bucket, u.begun, u.parts = fmt.Sprintf("upload-%06d", s.uploads), bucket, s.opt.Clock(), make(map[int]*part)
	s.buckets[bucket].uploads[u.id] = u
}

func (s *Server) createUpload(w http.ResponseWriter, r *request) error {
	keyMD5, err := s.customerKey(r)
	if err != nil {
		return err
	}
	if err := s.takesChecksums(r); err != nil {
		return err
	}
	u := &upload{
		key: r.key, header: keptHeader(r.Header), keyMD5: keyMD5,
		algorithm: strings.ToLower(r.Header.Get("X-Amz-Checksum-Algorithm")), kind: r.Header.Get("X-Amz-Checksum-Type"),
	}
	switch {
	case u.algorithm == "" && u.kind != "":
		return fail(http.StatusBadRequest, "InvalidRequest", "x-amz-checksum-type without an algorithm")
	case u.algorithm == "crc64nvme" && u.kind == "COMPOSITE", strings.HasPrefix(u.algorithm, "sha") && u.kind == "FULL_OBJECT":
		return fail(http.StatusBadRequest, "InvalidRequest", u.kind+" of "+u.algorithm)
	case u.algorithm == "crc64nvme":
		u.kind = "FULL_OBJECT"
	case u.algorithm != "" && u.kind == "":
		u.kind = "COMPOSITE"
	}
	if _, ok := checksum(u.algorithm, nil); u.algorithm != "" && !ok {
		return fail(http.StatusBadRequest, "InvalidRequest", "checksum algorithm "+u.algorithm)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.newUpload(r.bucket, u)
	setCustomerKey(w.Header(), keyMD5)
	if u.algorithm != "" {
		w.Header().Set("X-Amz-Checksum-Algorithm", strings.ToUpper(u.algorithm))
		w.Header().Set("X-Amz-Checksum-Type", u.kind)
	}
	send(w, http.StatusOK, struct {
		XMLName               xml.Name `xml:"InitiateMultipartUploadResult"`
		Bucket, Key, UploadId string
	}{Bucket: r.bucket, Key: r.key, UploadId: u.id})
	return nil
}

// uploadOf returns the upload of the request. The lock is held.
func (s *Server) uploadOf(r *request) (*upload, error) {
	u := s.buckets[r.bucket].uploads[r.query.Get("uploadId")]
	if u == nil || u.key != r.key {
		return nil, fail(http.StatusNotFound, "NoSuchUpload", r.query.Get("uploadId"))
	}
	return u, nil
}

func (s *Server) uploadPart(w http.ResponseWriter, r *request) error {
	number, err := strconv.Atoi(r.query.Get("partNumber"))
	if err != nil || number < 1 || number > s.opt.MaxParts {
		return fail(http.StatusBadRequest, "InvalidArgument", "part number must be 1 to "+strconv.Itoa(s.opt.MaxParts))
	}
	keyMD5, err := s.customerKey(r)
	if err != nil {
		return err
	}
	body, err := s.body(r)
	if err != nil {
		return err
	}
	p := &part{body: body, etag: etagOf(append([]byte(keyMD5), body...)), sums: given(r.Header)}
	s.mu.Lock()
	defer s.mu.Unlock()
	u, err := s.uploadOf(r)
	if err != nil {
		return err
	}
	if u.keyMD5 != keyMD5 {
		return fail(http.StatusBadRequest, "InvalidRequest", "another customer's key than the upload's")
	}
	if u.algorithm != "" && (len(p.sums) != 1 || p.sums[u.algorithm] == "") {
		return fail(http.StatusBadRequest, "InvalidRequest", "the upload's checksum is "+u.algorithm)
	}
	u.parts[number] = p
	s.describeWrite(w, &Object{ETag: p.etag, Checksums: p.sums, keyMD5: keyMD5})
	if s.omits("ETag") { // without a part's ETag nothing could be completed
		w.Header().Set("ETag", p.etag)
	}
	return nil
}

func (s *Server) abortUpload(w http.ResponseWriter, r *request) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	u, err := s.uploadOf(r)
	if err != nil {
		return err
	}
	delete(s.buckets[r.bucket].uploads, u.id)
	w.WriteHeader(http.StatusNoContent)
	return nil
}

type listedPart struct {
	PartNumber int
	ETag       string
	Size       int
}

func (s *Server) listParts(w http.ResponseWriter, r *request) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	u, err := s.uploadOf(r)
	if err != nil {
		return err
	}
	var parts []listedPart
	for _, number := range slices.Sorted(maps.Keys(u.parts)) {
		parts = append(parts, listedPart{number, u.parts[number].etag, len(u.parts[number].body)})
	}
	send(w, http.StatusOK, struct {
		XMLName               xml.Name `xml:"ListPartsResult"`
		Bucket, Key, UploadId string
		IsTruncated           bool
		Part                  []listedPart
	}{Bucket: r.bucket, Key: r.key, UploadId: u.id, Part: parts})
	return nil
}

type listedUpload struct{ Key, UploadId, Initiated string }

type uploadsResult struct {
	XMLName                           xml.Name `xml:"ListMultipartUploadsResult"`
	Bucket, Prefix                    string
	KeyMarker, UploadIdMarker         string
	NextKeyMarker, NextUploadIdMarker string `xml:",omitempty"`
	MaxUploads                        int
	IsTruncated                       bool
	Upload                            []listedUpload
}

func (s *Server) listUploads(w http.ResponseWriter, r *request) error {
	out := uploadsResult{
		Bucket: r.bucket, Prefix: r.query.Get("prefix"), MaxUploads: s.opt.PageSize,
		KeyMarker: r.query.Get("key-marker"), UploadIdMarker: r.query.Get("upload-id-marker"),
	}
	if n, err := strconv.Atoi(r.query.Get("max-uploads")); err == nil && n > 0 {
		out.MaxUploads = min(n, out.MaxUploads)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	all := slices.SortedFunc(maps.Values(s.buckets[r.bucket].uploads), func(a, b *upload) int {
		return strings.Compare(a.key+"\x00"+a.id, b.key+"\x00"+b.id)
	})
	for _, u := range all {
		passed := u.key < out.KeyMarker || u.key == out.KeyMarker && (out.UploadIdMarker == "" || u.id <= out.UploadIdMarker)
		if !strings.HasPrefix(u.key, out.Prefix) || out.KeyMarker != "" && passed {
			continue
		}
		if len(out.Upload) == out.MaxUploads {
			last := out.Upload[len(out.Upload)-1]
			out.IsTruncated, out.NextKeyMarker, out.NextUploadIdMarker = true, last.Key, last.UploadId
			break
		}
		out.Upload = append(out.Upload, listedUpload{u.key, u.id, stamp(u.begun)})
	}
	send(w, http.StatusOK, out)
	return nil
}
