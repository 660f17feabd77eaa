package sftp

const (
	chunkSize  = 256 << 10     // requested at a time, in packets of 32 KiB: a round trip
	writeSize  = 64 * 32 << 10 // sent at a time: the outstanding packets of package sftp
	smallRange = 32 << 10      // one packet: Open reads that much before it returns
)
