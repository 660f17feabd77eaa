package bench_test

import (
	"fmt"
	"testing"
	"time"
)

// row is one line of the table: some work on one store.
type row struct {
	name    string
	backend string // its scheme

	// The network between the client and the server, in every row alone.
	delay     time.Duration
	bandwidth int64 // bytes a second of each connection

	size   int // of the work, as the issue of the row has it: bytes or files
	scale  int // it is made this many times smaller, but see sized
	least  int // and never smaller than this
	repeat int // operations of a turn; 0 means 1

	work func(tb testing.TB, s *store, r row, size int) []contestant

	behind string // why ours is behind Litestream's client, if it is
}

// The reasons why ours is behind, in time, requests or memory.
const (
	byRanges = "ranges of large files are read over several connections: more requests, of up to 4 MiB each, and memory for ranges that arrive early, " +
		"from a pool of bounded size that the process shares; a restore takes a fraction of the time"
	byChunks  = "chunks have 8 MiB instead of 16 MiB, and one is read while another is sent: more requests"
	byArrival = "up to 4 MiB of chunks are in flight and kept in memory, each with an ID, so that they can be sent again after a lost connection; the description " +
		"follows once all have arrived, so that a file is never incomplete; Litestream's client does neither"
	byPackets = "64 packets are sent before the first response, whereas Litestream's client waits for each response: " +
		"with a server on the same machine that costs more than it saves"
	byGuesses = "several ranges of a long level are listed concurrently, with a page of each in memory; guessing where they begin costs up to " +
		"a sixth more requests"
	byParts = "there are five concurrent parts of 8 MiB instead of 5 MiB: more memory, but fewer requests"
	byOrder = "descriptions are kept by name until the listing has ended, because one that is written during the listing appears twice, " +
		"and a server of a cluster may lag behind"
	bySums    = "each part is sent with its MD5, with which the service rejects damaged parts; Litestream's client does not send one"
	byDecoder = "both spend nearly all the time in the SDK's XML decoder"
	byUploads = "DeleteAll also aborts unfinished uploads, and lists the levels: one request for each"
)

const (
	mib = 1 << 20
	gib = 1 << 30
)

// rows is the table. What is too large for a run of a few minutes is made
// smaller by its scale, and says so in its name; -scale 1 is the whole of it.
func rows() []row {
	near, far := time.Duration(0), 20*time.Millisecond
	all := []row{}
	for _, backend := range []string{"file", "s3", "gcs"} {
		chunks, scale := "", 16
		switch backend {
		case "s3":
			chunks, scale = byParts, 4
		case "gcs":
			chunks = byChunks
		}
		all = append(all,
			row{name: "write 4 KiB", backend: backend, size: 4096, scale: 1, repeat: 100, work: writeSmall},
			row{name: "write %s from a file", backend: backend, size: gib, scale: scale, least: 6 * mib, work: writeFile, behind: chunks},
			row{name: "write %s from a pipe", backend: backend, size: gib, scale: scale, least: 6 * mib, work: writePipe, behind: chunks},
		)
	}
	for _, backend := range []string{"file", "s3", "gcs"} {
		files, repeat, guesses := 10_000, 10, byGuesses // a late seek takes milliseconds
		if backend == "file" {
			files, repeat, guesses = 100_000, 1, ""
		}
		all = append(all,
			row{name: "list %d files", backend: backend, size: files, scale: 1, least: 20, work: listWhole, behind: guesses},
			row{name: "list the last 10 of %d files", backend: backend, size: files, scale: 1, least: 20, repeat: repeat, work: listLate},
		)
	}
	lists := map[string]string{"nats": byOrder, "oss": byGuesses, "abs": byDecoder}
	large := map[string]string{"abs": bySums, "sftp": byPackets, "nats": byArrival, "oss": bySums}
	for _, backend := range []string{"abs", "sftp", "webdav", "nats", "oss"} {
		all = append(all,
			row{name: "write 4 KiB", backend: backend, size: 4096, scale: 1, repeat: 100, work: writeSmall},
			row{name: "write 210 bytes", backend: backend, size: 210, scale: 1, repeat: 100, work: writeSmall},
			row{name: "write %s from a file", backend: backend, size: gib, scale: 4, least: 6 * mib, work: writeFile, behind: large[backend]},
			row{name: "list %d files", backend: backend, size: 10_000, scale: 1, least: 20, work: listWhole, behind: lists[backend]},
			row{name: "list the last 10 of %d files", backend: backend, size: 10_000, scale: 1, least: 20, repeat: 3, work: listLate, behind: lists[backend]},
		)
	}
	all = append(all,
		row{name: "list %d files", backend: "gcs", delay: far, size: 100_000, scale: 1, least: 20, work: listWhole, behind: byGuesses},
		row{name: "list %d files with times", backend: "s3", delay: far, size: 10_000, scale: 5, least: 20, work: listTimes},
		row{name: "restore %s", backend: "file", size: 2 * gib, scale: 1, least: mib, work: restoreLatest},
		row{name: "restore %s", backend: "s3", delay: far, bandwidth: 50e6, size: gib, scale: 1, least: mib, work: restoreLatest, behind: byRanges},
		row{name: "restore %s and 200 transactions", backend: "s3", delay: far, bandwidth: 50e6, size: gib, scale: 1, least: mib, work: restoreMany, behind: byRanges},
		row{name: "restore %s", backend: "gcs", delay: far, bandwidth: 50e6, size: gib, scale: 1, least: mib, work: restoreLatest, behind: byRanges},
		row{name: "delete all of %d files", backend: "s3", delay: far, size: 10_000, scale: 2, least: 20, work: deleteAll, behind: byUploads},
		row{name: "delete all of %d files", backend: "gcs", delay: far, size: 10_000, scale: 40, least: 20, work: deleteAll},
		row{name: "write 210 bytes", backend: "gcs", delay: near, size: 210, scale: 1, repeat: 100, work: writeSmall},
		row{name: "write 210 bytes", backend: "s3", delay: near, size: 210, scale: 1, repeat: 100, work: writeSmall},
	)
	return all
}

// sized returns how large the work is. scale, if not 0, replaces the row's.
func (r row) sized(scale int) int {
	if r.scale == 1 && scale <= 1 || r.least == 0 {
		return r.size
	}
	if scale == 0 {
		scale = r.scale
	}
	return max(r.size/scale, r.least)
}

// title names the row with its size and its network.
func (r row) title(size int) string {
	title := r.name
	switch {
	case r.least == 0:
	case r.size >= gib:
		title = fmt.Sprintf(r.name, fmt.Sprintf("%d MiB", size/mib))
		if size%gib == 0 {
			title = fmt.Sprintf(r.name, fmt.Sprintf("%d GiB", size/gib))
		}
	default:
		title = fmt.Sprintf(r.name, size)
	}
	if r.delay > 0 {
		title += fmt.Sprintf(", %v away", r.delay)
	}
	if r.bandwidth > 0 {
		title += fmt.Sprintf(", %d MB/s a connection", r.bandwidth/1e6)
	}
	return title
}
