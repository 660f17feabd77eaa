package layer

import (
	"cmp"

	"github.com/superfly/ltx"
)

// NextPage returns the number of files in the page after one of n files, or in the first
// page if n is 0. The first page is small, so that a listing that is closed early costs little.
// Each further page is twice as large, so that a long listing seldom waits.
func NextPage(n int) int { return min(max(2*n, 8), 1024) }

// Compare compares two files of a level by their place in a listing.
func Compare(a, b *ltx.FileInfo) int {
	return cmp.Or(cmp.Compare(a.MinTXID, b.MinTXID), cmp.Compare(a.MaxTXID, b.MaxTXID))
}
