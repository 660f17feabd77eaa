package gcsfake

import "net/http"

func (s *Server) deleteObject(w http.ResponseWriter, r *request) error {
	if err := s.remove(r); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

func (s *Server) remove(r *request) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.failing != nil {
		switch reason := s.failing(r.key); reason {
		case "":
		case "rateLimitExceeded":
			return fail(http.StatusTooManyRequests, reason, "told to fail: "+r.key)
		case "backendError":
			return fail(http.StatusServiceUnavailable, reason, "told to fail: "+r.key)
		default:
			return fail(http.StatusForbidden, reason, "told to fail: "+r.key)
		}
	}
	if _, err := s.live(r, false); err != nil {
		return err
	}
	s.buckets[r.bucket].remove(r.key)
	return nil
}
