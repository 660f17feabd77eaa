package transport

// Optional returns a pointer to v, or nil for the zero value, which SDKs leave out of a
// request.
func Optional[T comparable](v T) *T {
	var zero T
	if v == zero {
		return nil
	}
	return &v
}

// Value returns *p, or the zero value if p is nil.
func Value[T any](p *T) (v T) {
	if p != nil {
		v = *p
	}
	return v
}

// OrUnknown returns *n, or -1 if n is nil, for the size in an object.Object.
func OrUnknown(n *int64) int64 {
	if n == nil {
		return -1
	}
	return *n
}
