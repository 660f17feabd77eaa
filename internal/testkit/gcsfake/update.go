package gcsfake

import (
	"encoding/json"
	"maps"
	"net/http"
)

// updateRequest has the changes.
type updateRequest struct {
	ContentType, ContentEncoding, CacheControl json.RawMessage
	Metadata                                   json.RawMessage
}

// updateObject serves a patch of the metadata and the properties of the
// content. Null removes a value.
func (s *Server) updateObject(w http.ResponseWriter, r *request) error {
	body, err := readBody(r.Request)
	if err != nil {
		return err
	}
	var in updateRequest
	if err := json.Unmarshal(body, &in); err != nil {
		return fail(http.StatusBadRequest, "parseError", "Parse Error: "+err.Error())
	}
	o, open, err := s.update(r, in)
	if err != nil {
		return err
	}
	return sendJSON(w, r, s.resource(r.bucket, r.key, o, open))
}

func (s *Server) update(r *request, in updateRequest) (o *Object, open bool, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if o, err = s.live(r, false); err != nil {
		return nil, false, err
	}
	if open, err = r.unlock(o); err != nil {
		return nil, false, err
	}
	changed := *o
	for field, value := range map[*string]json.RawMessage{
		&changed.ContentType: in.ContentType, &changed.ContentEncoding: in.ContentEncoding, &changed.CacheControl: in.CacheControl,
	} {
		if value == nil {
			continue
		}
		*field = ""
		if err := json.Unmarshal(value, field); err != nil {
			return nil, false, fail(http.StatusBadRequest, "parseError", "Parse Error: "+err.Error())
		}
	}
	if changed.Metadata, err = patch(o.Metadata, in.Metadata); err != nil {
		return nil, false, err
	}
	return s.change(r.bucket, r.key, changed), open, nil
}

// patch merges metadata into the existing ones.
func patch(metadata map[string]string, with json.RawMessage) (map[string]string, error) {
	if with == nil {
		return metadata, nil
	}
	var changes map[string]*string
	if err := json.Unmarshal(with, &changes); err != nil {
		return nil, fail(http.StatusBadRequest, "parseError", "Parse Error: "+err.Error())
	}
	if changes == nil {
		return nil, nil
	}
	merged := make(map[string]string)
	maps.Copy(merged, metadata)
	for name, value := range changes {
		if value == nil {
			delete(merged, name)
		} else {
			merged[name] = *value
		}
	}
	return merged, nil
}
