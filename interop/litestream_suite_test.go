package interop_test

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"

	litestreamfile "github.com/benbjohnson/litestream/file"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/testing/replicatest"
)

// defect is something wrong with Litestream's file client, and what the suite
// says about it.
type defect struct {
	what string
	says string // part of the error of every case that finds it
}

var (
	ltxOnly      = &defect{"takes LTX bodies alone, so not what a wrapper writes, nor the bodies of its own guide", "extract timestamp from LTX header"}
	noKinds      = &defect{"a bad argument or body is no fs.ErrInvalid", `to be "invalid argument"`}
	unchecked    = &defect{"the header may be of another file than the name", `error is "<nil>": want one that errors.Is finds to be "invalid argument"`}
	deaf         = &defect{"no method looks at its context", "context "}
	oneTemp      = &defect{"all writers of a name share one temporary file", "0000000000000005-0000000000000005.ltx"}
	timeOfFile   = &defect{"the modification time is believed, whoever set it", "CreatedAt"}
	farOffset    = &defect{"an offset far past the end is an error", "from 9223372036854775807"}
	wholeFile    = &defect{"the reader of a range is the whole file for who seeks in it", "Seek(0, 1)"}
	listsAll     = &defect{"zero-byte files, directories and impossible names are listed", "listing among strangers"}
	tornFile     = &defect{"a zero-byte file is read as an empty one", "open of a zero-byte file"}
	neverClosed  = &defect{"a closed iterator goes on", "Next is true"}
	listsForever = &defect{"a listing does not look at its context", "the listing went on to its end"}
	deletesAll   = &defect{"DeleteAll removes whatever is below its path, strangers' files", "want the strangers"}
	deletesBelow = &defect{"DeleteAll removes whatever is below its path, other replicas", "has 0 files: want 1"}
)

// bites are the cases that Litestream's file client fails, each with why. It
// refuses every body that is not LTX, at once, so that a case that writes one
// finds nothing else.
var bites = map[string]*defect{
	"write/guide":                  ltxOnly,
	"write/sizes":                  ltxOnly,
	"write/large":                  ltxOnly,
	"write/large-memory":           ltxOnly,
	"write/read-to-eof":            ltxOnly,
	"write/readers":                ltxOnly,
	"write/other-bodies":           ltxOnly,
	"write/plain-reader-fails":     ltxOnly,
	"time/of-plain-body":           ltxOnly,
	"open/guide-partial-read":      ltxOnly,
	"open/cancelled":               ltxOnly,
	"open/close-at-any-time":       ltxOnly,
	"all/guide-ten-writers":        ltxOnly,
	"all/no-goroutine-stays":       ltxOnly,
	"write/empty":                  noKinds,
	"write/broken-header":          noKinds,
	"write/bad-names":              noKinds,
	"open/negative-ranges":         noKinds,
	"delete/bad-entry":             noKinds,
	"write/header-of-another-file": unchecked,

	"write/cancelled-before-header":            deaf,
	"write/cancelled-before-header-over-older": deaf,
	"write/cancelled-in-header":                deaf,
	"write/cancelled-in-header-over-older":     deaf,
	"write/cancelled-after-header":             deaf,
	"write/cancelled-after-header-over-older":  deaf,
	"write/cancelled-in-the-middle":            deaf,
	"write/cancelled-in-the-middle-over-older": deaf,
	"write/no-leftovers":                       deaf,
	"all/context-done":                         deaf,
	"all/deadline":                             deaf,

	"rewrite/many-writers":        oneTemp,
	"time/stripped":               timeOfFile,
	"time/copied-by-another-tool": timeOfFile,
	"open/ranges":                 farOffset,
	"open/reader-behaves":         wholeFile,
	"list/strangers":              listsAll,
	"open/torn-upload":            tornFile,
	"list/closed":                 neverClosed,
	"list/pages-closed":           neverClosed,
	"list/pages-cancelled":        listsForever,
	"delete-all/strangers":        deletesAll,
	"delete-all/parent":           deletesBelow,
}

// TestSuiteBites runs the conformance suite against Litestream's own file
// client: it must fail the cases that name its defects, for that reason, and
// no others.
func TestSuiteBites(t *testing.T) {
	report, err := replicatest.Check(t.Context(), stockConfig(t))
	require.NoError(t, err)

	failed := make(map[string]bool)
	for _, res := range report.Failed() {
		id := res.Case.ID
		failed[id] = true
		why, ok := bites[id]
		if assert.True(t, ok, "%s fails, and no known defect explains it: %v", id, res.Err) {
			assert.ErrorContains(t, res.Err, why.says, "%s should fail because %s", id, why.what)
		}
	}
	for id, why := range bites {
		assert.True(t, failed[id], "%s holds, although %s", id, why.what)
	}
	for _, res := range report.Skipped() {
		assert.Contains(t, res.Skipped, "declared to lack", res.Case.ID)
	}
	assert.Greater(t, len(report)-len(report.Skipped())-len(bites), 20, "most of what is left holds")
	t.Logf("%d cases: %d fail by known defects, %d need what a disk cannot do, the others hold",
		len(report), len(failed), len(report.Skipped()))
}

// stockConfig offers what the suite needs of Litestream's client: its files
// are reached through the file system, as those of any client of a disk.
func stockConfig(t *testing.T) replicatest.Config {
	return replicatest.Config{
		New: func(context.Context) (replicatest.Store, error) {
			dir, err := os.MkdirTemp(t.TempDir(), "store")
			return stockStore(dir, filepath.Join(dir, "db")), err
		},
		Lacks: []replicatest.Capability{
			replicatest.WriteOnce, replicatest.MissingStore, replicatest.CountedRequests, replicatest.Secrets,
			replicatest.FailingLookups, replicatest.FailingLists, replicatest.FailingDeletes,
			replicatest.BrokenTransfers, replicatest.StalledTransfers, replicatest.Outages,
		},
		BodySize: 1 << 20,
		PageSize: 50,
		Timeout:  30 * time.Second,
		Prompt:   2 * time.Second,
	}
}

func stockStore(root, path string) replicatest.Store {
	other := func(path string) (ltxstore.ReplicaClient, error) { return litestreamfile.NewReplicaClient(path), nil }
	keys, err := ltxstore.NewKeys(ltxstore.LayoutLitestream, "")
	if err != nil {
		panic(err) // the layout is a constant
	}
	return replicatest.Store{
		Client:  litestreamfile.NewReplicaClient(path),
		Another: func() (ltxstore.ReplicaClient, error) { return other(path) },
		Sibling: func(suffix string) (ltxstore.ReplicaClient, error) { return other(path + suffix) },
		Parent:  func() (ltxstore.ReplicaClient, error) { return other(root) },
		Raw: &replicatest.Raw{
			Keys: keys,
			Put: func(_ context.Context, key string, body []byte) error {
				name := filepath.Join(path, filepath.FromSlash(key))
				return errors.Join(os.MkdirAll(filepath.Dir(name), 0o700), os.WriteFile(name, body, 0o600))
			},
			List: func(context.Context) ([]string, error) { return listTree(path) },
			Strip: func(_ context.Context, key string) error {
				now := time.Now()
				return os.Chtimes(filepath.Join(path, filepath.FromSlash(key)), now, now)
			},
			Leave: func(context.Context) error {
				name := filepath.Join(path, filepath.FromSlash(keys.File(0, 77, 77))) + ".tmp"
				return errors.Join(os.MkdirAll(filepath.Dir(name), 0o700), os.WriteFile(name, []byte("LTX1"), 0o600))
			},
		},
		Close: func() error { return os.RemoveAll(root) },
	}
}

// listTree returns the files below dir, and the directories without any.
func listTree(dir string) ([]string, error) {
	var found []string
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		key, err := filepath.Rel(dir, path)
		if err != nil || key == "." {
			return err
		}
		key = filepath.ToSlash(key)
		if !entry.IsDir() {
			found = append(found, key)
			return nil
		}
		inside, err := os.ReadDir(path)
		if len(inside) == 0 {
			found = append(found, key+"/")
		}
		return err
	})
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return found, err
}
