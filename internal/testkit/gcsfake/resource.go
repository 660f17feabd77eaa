package gcsfake

import (
	"encoding/base64"
	"fmt"
	"net/url"
	"strconv"
	"time"
)

// resource describes an object as the JSON API does. If it is encrypted with a
// customer's key, its hashes are included only if the request has the key.
func (s *Server) resource(bucket, key string, o *Object, open bool) map[string]any {
	generation := strconv.FormatInt(o.Generation, 10)
	created := stamp(o.Created)
	fields := map[string]any{
		"kind": "storage#object", "id": bucket + "/" + key + "/" + generation, "bucket": bucket, "name": key,
		"selfLink":   "https://www.googleapis.com/storage/v1/b/" + bucket + "/o/" + url.PathEscape(key),
		"generation": generation, "metageneration": strconv.FormatInt(o.Metageneration, 10), "etag": etagOf(o),
		"size": strconv.Itoa(len(o.Body)), "storageClass": o.StorageClass,
		"timeCreated": created, "timeStorageClassUpdated": created, "timeFinalized": created, "updated": stamp(o.Updated),
	}
	if open {
		fields["crc32c"] = o.CRC32C
		fields["md5Hash"] = o.MD5
	}
	if len(o.Metadata) > 0 {
		metadata := make(map[string]any)
		for name, value := range o.Metadata {
			metadata[name] = value
		}
		fields["metadata"] = metadata
	}
	if o.KeySHA256 != "" {
		fields["customerEncryption"] = map[string]any{"encryptionAlgorithm": "AES256", "keySha256": o.KeySHA256}
	}
	for name, value := range map[string]string{
		"contentType": o.ContentType, "contentEncoding": o.ContentEncoding, "cacheControl": o.CacheControl, "kmsKeyName": o.KMSKeyName,
	} {
		if value != "" {
			fields[name] = value
		}
	}
	for _, name := range s.opt.Omit {
		delete(fields, name)
	}
	return fields
}

// stamp is the format of times.
func stamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }

func etagOf(o *Object) string {
	return base64.StdEncoding.EncodeToString(fmt.Appendf(nil, "%d/%d", o.Generation, o.Metageneration))
}
