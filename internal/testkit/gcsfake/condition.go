package gcsfake

import (
	"net/http"
	"net/url"
	"strconv"
)

// condition is one of a request's preconditions.
type condition struct {
	metageneration, not bool
	want                int64
}

// conditions returns the request's preconditions, from the headers of the XML
// API or from the query.
func (r *request) conditions() ([]condition, error) {
	if r.api == xmlAPI {
		return parseConditions(r.Header.Get, "X-Goog-If-Generation-Match", "", "X-Goog-If-Metageneration-Match", "")
	}
	return queryConditions(r.query)
}

func queryConditions(q url.Values) ([]condition, error) {
	return parseConditions(q.Get, objectParameters[1:]...)
}

func parseConditions(get func(string) string, names ...string) (found []condition, err error) {
	for i, name := range names {
		text := get(name)
		if name == "" || text == "" {
			continue
		}
		want, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return nil, fail(http.StatusBadRequest, "invalidParameter", name+": "+text)
		}
		found = append(found, condition{metageneration: i >= 2, not: i%2 == 1, want: want})
	}
	return found, nil
}

// met checks the conditions against the live object, which is nil if there is
// none. The response to a read of an unchanged object is 304.
func met(conditions []condition, o *Object, read bool) error {
	for _, c := range conditions {
		var is int64
		if o != nil {
			is = o.Generation
			if c.metageneration {
				is = o.Metageneration
			}
		}
		switch {
		case (is == c.want) != c.not:
		case c.not && read:
			return fail(http.StatusNotModified, "notModified", "Not Modified")
		default:
			return fail(http.StatusPreconditionFailed, "conditionNotMet", "At least one of the pre-conditions you specified did not hold.")
		}
	}
	return nil
}

// live returns the object that a request for an existing one is about, if its
// conditions hold. The lock is held.
func (s *Server) live(r *request, read bool) (*Object, error) {
	conditions, err := r.conditions()
	if err != nil {
		return nil, err
	}
	o := s.buckets[r.bucket].objects[r.key]
	if o == nil {
		return nil, noObject(r)
	}
	if version := r.query.Get("generation"); version != "" && version != strconv.FormatInt(o.Generation, 10) {
		return nil, noObject(r)
	}
	return o, met(conditions, o, read)
}
