package verify

import (
	"bufio"
	"context"
	"errors"
	"io"
	"io/fs"

	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/internal/flow"
	"github.com/ltxstore/ltxstore/internal/ltxio"
)

// reading is a file that was read, and its error.
type reading struct {
	info    *ltx.FileInfo
	size    int64
	header  ltx.Header
	trailer ltx.Trailer
	err     error
}

// readSize is the size of the buffer for reading a file.
const readSize = 64 << 10

func (v *verifier) read(ctx context.Context, info *ltx.FileInfo) *reading {
	r := &reading{info: info}
	rc, err := v.client.OpenLTXFile(ctx, info.Level, info.MinTXID, info.MaxTXID, 0, 0)
	if err != nil {
		r.err = err
		return r
	}
	defer rc.Close()
	counted := &counter{r: &flow.Reader{Ctx: ctx, R: rc}}
	r.header, r.trailer, r.err = ltxio.Decode(bufio.NewReaderSize(counted, readSize), nil, nil)
	r.size = counted.n
	return r
}

// addFile adds the findings about a single file.
func (v *verifier) addFile(r *reading) {
	f, name := nameOf(r.info), nameInWords(r.info)
	v.report.Files++
	v.report.Bytes += r.size
	var damage *ltxio.DamageError
	damaged := true
	switch {
	case errors.Is(r.err, fs.ErrNotExist) && r.info.Size > 0:
		v.find(Info, KindDeleted, f, "%s was deleted in the meantime", name)
		return
	case r.info.Size == 0:
		v.find(Error, KindTorn, f, "%s has no bytes: its upload was interrupted", name)
		damaged = errors.Is(r.err, ltxstore.ErrChecksum) || errors.As(r.err, &damage)
	case errors.As(r.err, &damage) && damage.Torn && damage.Size < r.info.Size:
		v.find(Error, KindTorn, f, "%s is torn: %v; %d were listed", name, damage, r.info.Size)
	case errors.As(r.err, &damage) && damage.Torn:
		v.find(Error, KindTorn, f, "%s is torn: %v; no more was stored", name, damage)
	case errors.As(r.err, &damage), errors.Is(r.err, ltxstore.ErrChecksum):
		v.find(Error, KindCorrupt, f, "%s is corrupt: %v", name, r.err)
	case r.err != nil:
		v.find(Error, KindUnreadable, f, "%s cannot be read: %v", name, r.err)
		damaged = false
	case r.header.MinTXID != f.min || r.header.MaxTXID != f.max:
		v.find(Error, KindName, f, "%s contains transactions %s to %s", name, r.header.MinTXID, r.header.MaxTXID)
	case r.size != r.info.Size:
		v.find(Error, KindSize, f, "%s has %d bytes, but %d were listed", name, r.size, r.info.Size)
		return // it can be restored
	default:
		return
	}
	v.bad[f] = damaged
}

// sequence is the state of the check of a level.
type sequence struct {
	v      *verifier
	level  Level
	before *reading // the last file without an error
}

// add adds the findings about a file and how it fits to those before it.
func (s *sequence) add(r *reading) {
	info, f, name := r.info, nameOf(r.info), nameInWords(r.info)
	if errors.Is(r.err, fs.ErrNotExist) {
		return
	}
	l := &s.level
	switch {
	case l.Level == ltxstore.SnapshotLevel:
		if info.MinTXID != 1 {
			s.v.find(Warning, KindSnapshot, f, "%s is not a snapshot: it starts with transaction %s", name, info.MinTXID)
		}
	case l.Files == 0:
	case info.MinTXID > l.Last && info.MinTXID-1 > l.Last:
		s.v.find(Warning, KindGap, file{l.Level, l.Last + 1, info.MinTXID - 1}, "level %d has no transactions %s to %s", l.Level, l.Last+1, info.MinTXID-1)
	case info.MinTXID <= l.Last:
		s.v.find(Info, KindOverlap, f, "%s overlaps previous files, which end with transaction %s", name, l.Last)
	}
	if l.Files++; l.Files == 1 {
		l.First = info.MinTXID
	}
	l.Bytes += info.Size
	l.Last = max(l.Last, info.MaxTXID)
	s.v.newest = max(s.v.newest, info.MaxTXID)

	if _, bad := s.v.bad[f]; bad {
		return
	}
	if b := s.before; b != nil && b.header.PageSize != r.header.PageSize {
		s.v.find(Error, KindPageSize, f, "%s has pages of %d bytes, but the previous file of %d", name, r.header.PageSize, b.header.PageSize)
	} else {
		s.v.compare(r)
	}
	s.before = r
}

// compare compares a file's checksums of the database with those in other files, of any
// level, after the same transactions.
func (v *verifier) compare(r *reading) {
	f, name := nameOf(r.info), nameInWords(r.info)
	if r.header.NoChecksum() {
		return
	}
	if known, ok := v.sums[f.min-1]; !ok {
		v.sums[f.min-1] = sum{r.header.PreApplyChecksum, f}
	} else if known.checksum != r.header.PreApplyChecksum {
		v.find(Error, KindHistory, f, "%s applies to a database with checksum %s, but according to %s it is %s: they have different histories",
			name, r.header.PreApplyChecksum, known.file, known.checksum)
		return
	}
	if known, ok := v.sums[f.max]; !ok {
		v.sums[f.max] = sum{r.trailer.PostApplyChecksum, f}
	} else if known.checksum != r.trailer.PostApplyChecksum {
		v.find(Error, KindHistory, f, "%s leads to a database with checksum %s, but according to %s it is %s: they have different histories",
			name, r.trailer.PostApplyChecksum, known.file, known.checksum)
	}
}

type counter struct {
	r io.Reader
	n int64
}

func (c *counter) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += int64(n)
	return n, err
}
