package comparison_test

// defect is something wrong with a client of Litestream's, and what the suite
// says about it: a regular expression for the error of every case that finds it.
type defect struct{ what, says string }

var (
	ltxOnly      = &defect{"takes LTX bodies alone, so not what a wrapper writes, nor plain bodies", "extract timestamp from LTX header"}
	noKinds      = &defect{"a bad argument or body is no `fs.ErrInvalid`, and often no error", `to be "invalid argument"`}
	unchecked    = &defect{"the header may be of another file than the name", `error is "<nil>": want one that errors.Is finds to be "invalid argument"`}
	deaf         = &defect{"no method looks at its context", "context "}
	changes      = &defect{"a body that is cut, or goes on, while it is sent is stored as it is", "that told"}
	givesUp      = &defect{"a reader that gives up when its context ends has made an empty body, or a whole one", `size told (true|false): write: error is .* want one that errors.Is finds to be "context canceled"`}
	leavesTemp   = &defect{"the panic of a reader leaves a temporary file", "tmp"}
	oneTemp      = &defect{"all writers of a name share one temporary file", "0000000000000005-0000000000000005.ltx"}
	timeOfFile   = &defect{"where the time of the header is not kept beside the file, the time of the copy is given for it", "CreatedAt"}
	farOffset    = &defect{"an offset at or past the end is an error", `bytes from \d+ of|416`}
	overflows    = &defect{"a size that the offset makes overflow gives the whole file from its beginning, or an error", `922337203685477\d+ bytes from`}
	wholeFile    = &defect{"the reader of a range is the whole file for who seeks in it", `Seek\(0, 1\)`}
	listsAll     = &defect{"zero-byte files, directories and impossible names are listed", "listing among strangers"}
	tellsNoTorn  = &defect{"a zero-byte file is not reported as such", "to the function of WithTorn"}
	tornFile     = &defect{"a zero-byte file is read as an empty one, or is an error like any other", "open of a zero-byte file"}
	neverClosed  = &defect{"a closed iterator goes on", "Next is true"}
	listsForever = &defect{"a listing does not look at its context", "the listing went on to its end"}
	deletesAll   = &defect{"`DeleteAll` removes whatever is below its path, strangers' files too", "want the strangers"}
	deletesBelow = &defect{"`DeleteAll` removes whatever is below its path, other replicas too", "has 0 files: want 1"}

	readsCancelled = &defect{"a reader whose context has ended reads on, to the end", "a cancelled reader went on"}
	closesTwice    = &defect{"a reader that is closed twice, or read when it is closed, is not what the contract wants", "closed"}
	closeTells     = &defect{"Close of a reader whose context has ended is an error", "cancelled reader: context canceled"}
	readsOn        = &defect{"a write whose context has ended reads its source to the end", "the write read on to the end"}
	readsFirst     = &defect{"a context that is done before the call does not keep a write from reading", "write read its reader"}
	silentLookup   = &defect{"a time that cannot be looked up is replaced by another, without an error", "lookups fail gives"}
	noKey          = &defect{"an error does not say which store and which file it is about", "does not have"}
	noStore        = &defect{"a missing bucket cannot be told from a missing file, or from any other failure", "in a missing store"}
	noResume       = &defect{"a transfer that breaks is not resumed", "unexpected EOF"}
	readsLevel     = &defect{"a seek reads the whole level", "a seek to the last file"}
	leavesUploads  = &defect{"`DeleteAll` leaves unfinished uploads, which are billed", `DeleteAll leaves \["upload:`}
	tellsSecret    = &defect{"the secret key is in what `%+v` and `%#v` show of a client", "a secret is in"}
	wholeSeconds   = &defect{"times are cut to whole seconds", "CreatedAt|is listed with"}
	unsorted       = &defect{"files of one minTXID are not in the order of their maxTXIDs", "as number 1"}
	deletesBucket  = &defect{"`DeleteAll` removes the whole bucket, other replicas too", "has 0 files: want 1"}
	leavesParts    = &defect{"a write that is cancelled, or whose reader panics, leaves its parts, which are billed", `the store has .*"upload:`}
	hangs          = &defect{"a write whose reader panics never returns", "did not return"}
	ownCancelled   = &defect{"the error of a call whose context has ended is not the context's", `errors.Is finds to be "context canceled"`}
	timesOut       = &defect{"a write whose context ends, and a read whose file is replaced, end with the library's own timeout", "timeout"}
	refusesWriters = &defect{"of several writers of a name some are refused", "cannot write file"}
	missesVanished = &defect{"a listing fails when a file is deleted meanwhile", "file does not exist"}
	stopsDeleting  = &defect{"the first file that cannot be deleted keeps the rest from it", "delete"}
)

// bitesAll are the cases that all fail, but for those that a client cannot have.
var bitesAll = map[string]*defect{
	"write/exact":                   ltxOnly,
	"write/sizes":                   ltxOnly,
	"write/large":                   ltxOnly,
	"write/read-to-eof":             ltxOnly,
	"write/readers":                 ltxOnly,
	"write/other-bodies":            ltxOnly,
	"write/plain-reader-fails":      ltxOnly,
	"write/reader-panics":           ltxOnly,
	"time/of-plain-body":            ltxOnly,
	"open/partial-read":             ltxOnly,
	"all/ten-writers":               ltxOnly,
	"write/empty":                   noKinds,
	"write/broken-header":           noKinds,
	"write/bad-names":               noKinds,
	"open/negative-ranges":          noKinds,
	"delete/bad-entry":              noKinds,
	"write/header-of-another-file":  unchecked,
	"write/size-shrinks":            changes,
	"write/size-shrinks-over-older": changes,
	"write/size-grows":              changes,
	"write/size-grows-over-older":   changes,
	"write/gives-up":                givesUp,
	"write/gives-up-over-older":     givesUp,
	"time/stripped":                 timeOfFile,
	"time/copied-by-another-tool":   timeOfFile,
	"open/ranges":                   farOffset,
	"list/strangers":                listsAll,
	"list/torn-reported":            tellsNoTorn,
	"open/torn-upload":              tornFile,
	"delete-all/strangers":          deletesAll,
	"delete-all/parent":             deletesBelow,
}

// cancelled are the cases of a write whose context ends.
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
	"all/no-goroutine-stays":           deaf,
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

// deafTree are what both clients of directories fail.
var deafTree = union(bitesAll, cancelled(deaf), map[string]*defect{
	"write/no-leftovers":     deaf,
	"all/context-done":       deaf,
	"all/deadline":           deaf,
	"all/no-goroutine-stays": deaf,
	"all/no-secret-leaks":    tellsSecret,
	"open/cancelled":         readsCancelled,
	"open/missing":           noKey,
	"list/closed":            neverClosed,
	"list/pages-closed":      neverClosed,
	"list/pages-cancelled":   listsForever,
})

var bitesSFTP = union(deafTree, map[string]*defect{
	"write/reader-panics-no-leftovers": leavesTemp,
	"write/lasts":                      wholeSeconds,
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

// By chance are the cases whose outcome is left to the scheduler: a transfer that
// is cancelled may be over already.
var (
	chanceHTTP = map[string]*defect{"open/cancelled": readsCancelled} // of S3, abs and oss
	chanceNATS = map[string]*defect{"rewrite/many-writers": timesOut}
	chanceGS   = map[string]*defect{
		"write/cancelled-in-the-middle":            readsOn,
		"write/cancelled-in-the-middle-over-older": readsOn,
		"open/cancelled":                           readsCancelled,
		"all/no-goroutine-stays":                   closeTells,
	}
)
