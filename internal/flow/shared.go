package flow

import "sync"

// Shared holds values that several users have in common, by key. It is safe for
// concurrent use, and the zero value is ready to use.
type Shared[K comparable, V any] struct {
	mu   sync.Mutex
	held map[K]*shared[V]
}

type shared[V any] struct {
	value V
	users int
}

// Use returns the value for key. The first user's is made by build, which must not call
// Use, and is forgotten when the last user has called release. release reports whether no
// user is left; only the first call by a user counts.
func (s *Shared[K, V]) Use(key K, build func() (V, error)) (value V, release func() (last bool), err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	of := s.held[key]
	if of == nil {
		if value, err = build(); err != nil {
			return value, nil, err
		}
		if s.held == nil {
			s.held = make(map[K]*shared[V])
		}
		of = &shared[V]{value: value}
		s.held[key] = of
	}
	of.users++
	left := false
	return of.value, func() bool {
		s.mu.Lock()
		defer s.mu.Unlock()
		if !left {
			left = true
			if of.users--; of.users == 0 {
				delete(s.held, key)
			}
		}
		return of.users == 0
	}, nil
}
