package s3fake

import (
	"crypto/md5"
	"encoding/base64"
	"encoding/hex"
	"encoding/xml"
	"fmt"
	"net/http"
	"strconv"
	"strings"
)

type completeRequest struct {
	XMLName xml.Name       `xml:"CompleteMultipartUpload"`
	Parts   []completePart `xml:"Part"`
}

type completePart struct {
	PartNumber        int
	ETag              string
	ChecksumCRC32     string
	ChecksumCRC32C    string
	ChecksumCRC64NVME string
	ChecksumSHA1      string
	ChecksumSHA256    string
}

func (p *completePart) sums() map[string]string {
	sums := map[string]string{"crc32": p.ChecksumCRC32, "crc32c": p.ChecksumCRC32C, "crc64nvme": p.ChecksumCRC64NVME,
		"sha1": p.ChecksumSHA1, "sha256": p.ChecksumSHA256}
	for algorithm, sum := range sums {
		if sum == "" {
			delete(sums, algorithm)
		}
	}
	return sums
}

func (s *Server) completeUpload(w http.ResponseWriter, r *request) error {
	// The checksum headers here are the object's, not the document's.
	wanted, named := given(r.Header), r.Header.Clone()
	for algorithm := range wanted {
		r.Header.Del(checksumPrefix + algorithm)
	}
	r.Header.Del("X-Amz-Sdk-Checksum-Algorithm")
	document, err := s.body(r)
	if err != nil {
		return err
	}
	var in completeRequest
	if err := xml.Unmarshal(document, &in); err != nil || len(in.Parts) == 0 {
		return fail(http.StatusBadRequest, "MalformedXML", "want the list of parts")
	}
	o := &Object{}
	err = s.commit(r, o, func(b *bucket) error {
		u, err := s.uploadOf(r)
		if err != nil {
			return err
		}
		if err := s.assemble(u, in.Parts, o); err != nil {
			return err
		}
		for algorithm, want := range wanted {
			if o.Checksums[algorithm] != want {
				return fail(http.StatusBadRequest, "BadDigest", "the "+algorithm+" is "+o.Checksums[algorithm])
			}
		}
		if size := named.Get("X-Amz-Mp-Object-Size"); size != "" && size != strconv.Itoa(len(o.Body)) {
			return fail(http.StatusBadRequest, "InvalidRequest", "x-amz-mp-object-size "+size)
		}
		return nil
	})
	if err != nil {
		return err
	}
	out := completeResult{Location: "/" + r.bucket + "/" + r.key, Bucket: r.bucket, Key: r.key, ETag: o.ETag}
	for algorithm, sum := range o.Checksums {
		out.Sums = append(out.Sums, completeSum{xml.Name{Local: "Checksum" + strings.ToUpper(algorithm)}, sum})
	}
	if s.omits("ETag") {
		out.ETag = ""
	}
	setCustomerKey(w.Header(), o.keyMD5)
	send(w, http.StatusOK, out)
	return nil
}

type completeResult struct {
	XMLName               xml.Name `xml:"CompleteMultipartUploadResult"`
	Location, Bucket, Key string
	ETag                  string `xml:",omitempty"`
	Sums                  []completeSum
}

type completeSum struct {
	XMLName xml.Name
	Sum     string `xml:",chardata"`
}

// assemble makes the object from the listed parts.
func (s *Server) assemble(u *upload, listed []completePart, o *Object) error {
	var sums, partSums []byte
	for i, l := range listed {
		p := u.parts[l.PartNumber]
		where := fmt.Sprintf("part %d", l.PartNumber)
		switch {
		case i > 0 && l.PartNumber <= listed[i-1].PartNumber:
			return fail(http.StatusBadRequest, "InvalidPartOrder", where)
		case p == nil || strings.Trim(l.ETag, `"`) != strings.Trim(p.etag, `"`):
			return fail(http.StatusBadRequest, "InvalidPart", where)
		case i < len(listed)-1 && int64(len(p.body)) < s.opt.MinPart:
			return fail(http.StatusBadRequest, "EntityTooSmall", where)
		case s.opt.EqualParts && i > 0 && i < len(listed)-1 && len(p.body) != len(u.parts[listed[0].PartNumber].body),
			s.opt.EqualParts && i > 0 && len(p.body) > len(u.parts[listed[0].PartNumber].body):
			return fail(http.StatusBadRequest, "InvalidPart", where+": all parts but the last must have one size")
		case u.kind == "COMPOSITE" && l.sums()[u.algorithm] == "":
			return fail(http.StatusBadRequest, "InvalidRequest", where+" has no checksum in the list")
		}
		for algorithm, sum := range l.sums() {
			// An upload that was created without an algorithm has no checksums.
			// Services differ; this is the strictest behavior.
			if algorithm != u.algorithm || p.sums[algorithm] != sum {
				return fail(http.StatusBadRequest, "InvalidPart", where+": "+algorithm)
			}
		}
		o.Body = append(o.Body, p.body...)
		sum, _ := hex.DecodeString(strings.Trim(p.etag, `"`))
		sums = append(sums, sum...)
		partSum, _ := base64.StdEncoding.DecodeString(p.sums[u.algorithm])
		partSums = append(partSums, partSum...)
	}
	total := md5.Sum(sums)
	o.ETag = fmt.Sprintf(`"%x-%d"`, total, len(listed))
	o.Header, o.keyMD5 = u.header, u.keyMD5
	switch u.kind {
	case "FULL_OBJECT":
		sum, _ := checksum(u.algorithm, o.Body)
		o.Checksums = map[string]string{u.algorithm: sum}
	case "COMPOSITE":
		sum, _ := checksum(u.algorithm, partSums)
		o.Checksums = map[string]string{u.algorithm: fmt.Sprintf("%s-%d", sum, len(listed))}
	}
	return nil
}
