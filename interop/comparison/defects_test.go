package comparison_test

// defect is a defect of one of Litestream's clients. says is a regular expression that
// matches the error of every case that finds it.
type defect struct{ what, says string }

var (
	ltxOnly      = &defect{"only LTX files are accepted, and not other bodies, such as those that wrappers write", "extract timestamp from LTX header"}
	noKinds      = &defect{"an invalid argument or body is not `fs.ErrInvalid`, and often not an error", `matches "invalid argument"`}
	unchecked    = &defect{"a file whose header has other transactions than its name is stored", `error is "<nil>": want one that matches "invalid argument"`}
	deaf         = &defect{"no method checks its context", "context "}
	changes      = &defect{"a body that is truncated or grows during the write is stored", "whose size is"}
	givesUp      = &defect{"if the reader returns io.EOF or another error because the context has ended, the write succeeds, or its error is another one", `size reported (true|false): write: error is .* want one that matches "context canceled"`}
	leavesTemp   = &defect{"after a panic of the reader, a temporary file is left", "tmp"}
	oneTemp      = &defect{"all writers of a name use the same temporary file", "0000000000000005-0000000000000005.ltx"}
	timeOfFile   = &defect{"if the time of the header is not stored with a file, the file has the time of its copy", "CreatedAt"}
	farOffset    = &defect{"an offset at or past the end is an error", `bytes from \d+ of|416`}
	overflows    = &defect{"if the sum of offset and size overflows, the reader starts at the beginning of the file, or there is an error", `922337203685477\d+ bytes from`}
	wholeFile    = &defect{"the reader of a range can seek out of the range", `Seek\(0, 1\)`}
	listsAll     = &defect{"zero-byte files, directories and impossible names are listed", "listing among foreign files"}
	tellsNoTorn  = &defect{"a zero-byte file is not reported as such", "to the function of WithTorn"}
	tornFile     = &defect{"a zero-byte file can be opened, or is not reported as a missing file", "open of a zero-byte file"}
	neverClosed  = &defect{"a closed iterator continues", "Next is true"}
	listsForever = &defect{"a listing does not check its context", "the listing continued to its end"}
	deletesAll   = &defect{"`DeleteAll` removes everything below its path, including foreign files", "want the foreign files"}
	deletesBelow = &defect{"`DeleteAll` removes everything below its path, including other replicas", "has 0 files: want 1"}

	readsCancelled = &defect{"a reader continues to the end after its context has ended", "a cancelled reader returned"}
	closesTwice    = &defect{"a second Close of a reader fails, or a closed reader can be read", "closed"}
	closeTells     = &defect{"Close of a reader fails after its context has ended", "cancelled reader: context canceled"}
	readsOn        = &defect{"a write reads its body to the end after its context has ended", "the write continued to the end"}
	readsFirst     = &defect{"a write reads its body although its context is already done", "write read its reader"}
	silentLookup   = &defect{"if the time of a file cannot be looked up, another one is returned without an error", "lookups fail has"}
	noKey          = &defect{"an error does not name the store and the file", "does not have"}
	noStore        = &defect{"a missing bucket cannot be distinguished from a missing file or other failures", "in a missing store"}
	noResume       = &defect{"a transfer that breaks is not resumed", "unexpected EOF"}
	readsLevel     = &defect{"a seek lists the whole level", "a seek to the last file"}
	leavesUploads  = &defect{"`DeleteAll` leaves unfinished uploads, which are billed", `DeleteAll leaves \["upload:`}
	tellsSecret    = &defect{"printing a client with `%+v` or `%#v` shows its secret key", "a secret is in"}
	wholeSeconds   = &defect{"times are truncated to seconds", "CreatedAt|is listed with"}
	unsorted       = &defect{"files with the same minTXID are not sorted by maxTXID", "as number 1"}
	deletesBucket  = &defect{"`DeleteAll` removes the whole bucket, including other replicas", "has 0 files: want 1"}
	leavesParts    = &defect{"a write that is canceled, or whose reader panics, leaves its parts, which are billed", `the store has .*"upload:`}
	hangs          = &defect{"a write whose reader panics does not return", "did not return"}
	ownCancelled   = &defect{"the error of a call whose context is done is not that of the context", `matches "context canceled"`}
	timesOut       = &defect{"if the context ends during a write, or a file is replaced while it is read, the error is a timeout of the client library", "timeout"}
	refusesWriters = &defect{"some of several concurrent writers of a name fail", "cannot write file"}
	missesVanished = &defect{"a listing fails if a file is deleted during it", "file does not exist"}
	stopsDeleting  = &defect{"if a file cannot be deleted, others are not deleted", "delete"}
)

// bitesAll are the cases that all clients fail, except those that do not apply.
var bitesAll = map[string]*defect{
	"write/exact":                              ltxOnly,
	"write/sizes":                              ltxOnly,
	"write/large":                              ltxOnly,
	"write/read-to-eof":                        ltxOnly,
	"write/readers":                            ltxOnly,
	"write/other-bodies":                       ltxOnly,
	"write/plain-reader-fails":                 ltxOnly,
	"write/reader-panics":                      ltxOnly,
	"time/of-plain-body":                       ltxOnly,
	"open/partial-read":                        ltxOnly,
	"all/ten-writers":                          ltxOnly,
	"write/empty":                              noKinds,
	"write/broken-header":                      noKinds,
	"write/bad-names":                          noKinds,
	"open/negative-ranges":                     noKinds,
	"delete/bad-entry":                         noKinds,
	"write/header-of-another-file":             unchecked,
	"write/size-shrinks":                       changes,
	"write/size-shrinks-over-older":            changes,
	"write/size-grows":                         changes,
	"write/size-grows-over-older":              changes,
	"write/reader-outlives-context":            givesUp,
	"write/reader-outlives-context-over-older": givesUp,
	"time/stripped":                            timeOfFile,
	"time/copied-by-another-tool":              timeOfFile,
	"open/ranges":                              farOffset,
	"list/foreign-files":                       listsAll,
	"list/torn-reported":                       tellsNoTorn,
	"open/torn-upload":                         tornFile,
	"delete-all/foreign-files":                 deletesAll,
	"delete-all/parent":                        deletesBelow,
}

// cancelled returns the cases of a write whose context ends.
func cancelled(d *defect) map[string]*defect {
	cases := make(map[string]*defect)
	for _, at := range []string{"before-header", "in-header", "after-header", "in-the-middle"} {
		cases["write/cancelled-"+at], cases["write/cancelled-"+at+"-over-older"] = d, d
	}
	return cases
}

func union(all ...map[string]*defect) map[string]*defect {
	sum := make(map[string]*defect)
	for _, cases := range all {
		for id, d := range cases {
			sum[id] = d
		}
	}
	return sum
}

var bitesFile = union(bitesAll, cancelled(deaf), map[string]*defect{
	"write/large-memory":               ltxOnly,
	"write/no-leftovers":               deaf,
	"write/reader-panics-no-leftovers": leavesTemp,
	"all/context-done":                 deaf,
	"all/deadline":                     deaf,
	"rewrite/many-writers":             oneTemp,
	"open/cancelled":                   readsCancelled,
	"open/close-at-any-time":           closesTwice,
	"all/no-goroutine-leaks":           deaf,
	"open/reader-behaves":              wholeFile,
	"list/closed":                      neverClosed,
	"list/pages-closed":                neverClosed,
	"list/pages-cancelled":             listsForever,
})

var bitesS3 = union(bitesAll, cancelled(readsOn), map[string]*defect{
	"all/context-done":     readsFirst,
	"time/failed-lookup":   silentLookup,
	"open/reader-behaves":  farOffset,
	"open/missing":         noKey,
	"open/missing-store":   noStore,
	"open/broken-transfer": noResume,
	"list/seek-costs":      readsLevel,
	"delete-all/leftovers": leavesUploads,
	"all/no-secret-leaks":  tellsSecret,
	"open/largest-sizes":   overflows,
})

var bitesGS = union(bitesAll, map[string]*defect{
	"all/context-done":        readsFirst,
	"time/failed-lookup":      silentLookup,
	"open/reader-behaves":     farOffset,
	"open/missing":            noKey,
	"open/missing-store":      noStore,
	"list/closed":             neverClosed,
	"list/pages-closed":       neverClosed,
	"delete/partial-failure":  stopsDeleting,
	"delete-all/delete-fails": stopsDeleting,
	"open/close-at-any-time":  closesTwice,
	"open/largest-sizes":      overflows,
})

var bitesABS = union(bitesAll, cancelled(readsOn), map[string]*defect{
	"write/reader-panics":              hangs,
	"write/reader-panics-no-leftovers": hangs,
	"all/context-done":                 readsFirst,
	"all/no-secret-leaks":              tellsSecret,
	"time/failed-lookup":               silentLookup,
	"open/reader-behaves":              farOffset,
	"open/missing":                     noKey,
	"open/missing-store":               noStore,
	"open/largest-sizes":               overflows,
	"open/broken-transfer":             noResume,
	"list/seek-costs":                  readsLevel,
	"delete/partial-failure":           stopsDeleting,
	"delete-all/delete-fails":          stopsDeleting,
	"delete-all/leftovers":             leavesUploads,
})

var bitesOSS = union(bitesAll, map[string]*defect{
	"write/cancelled-after-header":             readsOn,
	"write/cancelled-after-header-over-older":  readsOn,
	"write/cancelled-in-the-middle":            readsOn,
	"write/cancelled-in-the-middle-over-older": readsOn,
	"write/no-leftovers":                       leavesParts,
	"write/reader-panics-no-leftovers":         leavesParts,
	"all/context-done":                         ownCancelled,
	"all/no-secret-leaks":                      tellsSecret,
	"time/failed-lookup":                       silentLookup,
	"open/reader-behaves":                      farOffset,
	"open/missing":                             noKey,
	"open/missing-store":                       noStore,
	"open/largest-sizes":                       overflows,
	"open/broken-transfer":                     noResume,
	"list/seek-costs":                          readsLevel,
	"delete-all/leftovers":                     leavesUploads,
})

// deafTree are the cases that the sftp and webdav clients fail.
var deafTree = union(bitesAll, cancelled(deaf), map[string]*defect{
	"write/no-leftovers":     deaf,
	"all/context-done":       deaf,
	"all/deadline":           deaf,
	"all/no-goroutine-leaks": deaf,
	"all/no-secret-leaks":    tellsSecret,
	"open/cancelled":         readsCancelled,
	"open/missing":           noKey,
	"list/closed":            neverClosed,
	"list/pages-closed":      neverClosed,
	"list/pages-cancelled":   listsForever,
})

var bitesSFTP = union(deafTree, map[string]*defect{
	"write/reader-panics-no-leftovers": leavesTemp,
	"write/durable":                    wholeSeconds,
	"rewrite/replaces":                 wholeSeconds,
	"time/of-header":                   wholeSeconds,
	"list/sizes":                       wholeSeconds,
	"list/pages":                       wholeSeconds,
	"open/close-at-any-time":           closesTwice,
	"open/reader-behaves":              wholeFile,
})

var bitesWebDAV = without(union(deafTree, map[string]*defect{
	"rewrite/many-writers": refusesWriters,
	"all/mixed-operations": missesVanished,
	"open/largest-sizes":   overflows,
}), "time/copied-by-another-tool", "time/stripped")

var bitesNATS = without(union(bitesAll, map[string]*defect{
	"all/context-done":                        readsFirst,
	"all/no-secret-leaks":                     tellsSecret,
	"delete-all/siblings":                     deletesBucket,
	"delete-all/parent":                       deletesBucket,
	"list/closed":                             neverClosed,
	"list/pages-closed":                       neverClosed,
	"list/pages-cancelled":                    listsForever,
	"list/sorted":                             unsorted,
	"open/missing":                            noKey,
	"open/missing-store":                      noStore,
	"write/cancelled-on-last-byte":            timesOut,
	"write/cancelled-on-last-byte-over-older": timesOut,
}), "time/stripped")

func without(cases map[string]*defect, ids ...string) map[string]*defect {
	for _, id := range ids {
		delete(cases, id)
	}
	return cases
}

// The outcome of these cases depends on the scheduler: a transfer that is canceled may
// already have ended.
var (
	chanceHTTP = map[string]*defect{"open/cancelled": readsCancelled} // of S3, abs and oss
	chanceNATS = map[string]*defect{"rewrite/many-writers": timesOut}
	chanceGS   = map[string]*defect{
		"write/cancelled-in-the-middle":            readsOn,
		"write/cancelled-in-the-middle-over-older": readsOn,
		"open/cancelled":                           readsCancelled,
		"all/no-goroutine-leaks":                   closeTells,
	}
)
