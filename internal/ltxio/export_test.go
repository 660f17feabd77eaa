package ltxio

// NewParallelDecoder returns a decoder of batches of that many bytes of pages.
func NewParallelDecoder(ahead, size int) *Decoder { return &Decoder{ahead: ahead, size: size} }
