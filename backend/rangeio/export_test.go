package rangeio

// Buffers returns how many buffers a pool has, with bytes in them or to spare.
func Buffers(p *Pool) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.held + len(p.spare)
}

// InUse returns how many slots, buffers and readers a pool has.
func InUse(p *Pool) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.slots + p.held + len(p.readers) + len(p.spare)
}
