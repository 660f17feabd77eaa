package rangeio

// Blocks returns how many blocks a pool has, with bytes in them or to spare, and how many
// it may have.
func Blocks(p *Pool) (has, most int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.held + len(p.spare), p.blocks
}

// InUse returns how many slots, blocks and readers a pool has.
func InUse(p *Pool) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.slots + p.started + p.receiving + p.held + len(p.readers) + len(p.spare)
}
