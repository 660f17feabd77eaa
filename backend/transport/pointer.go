package transport

// Optional returns a pointer to v, nil for the zero value: how an SDK is told what to
// leave out of a request.
func Optional[T comparable](v T) *T {
	var zero T
	if v == zero {
		return nil
	}
	return &v
}

// Value returns what p points to, or the zero value for nil.
func Value[T any](p *T) (v T) {
	if p != nil {
		v = *p
	}
	return v
}

// OrUnknown returns the size that n points to, or -1 for nil, as object.Object has it.
func OrUnknown(n *int64) int64 {
	if n == nil {
		return -1
	}
	return *n
}
