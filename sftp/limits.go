package sftp

const (
	// chunkSize is how much is requested at a time, in packets of 32 KiB, and
	// writeSize how much is sent: the maximum number of outstanding packets of
	// package sftp. Each chunk takes a round trip.
	chunkSize = 256 << 10
	writeSize = 64 * 32 << 10

	// smallRange is the size of one packet. Open reads that much before it returns.
	smallRange = 32 << 10
)
