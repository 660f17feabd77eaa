package ltxio

import (
	"encoding/binary"
	"fmt"
	"io"

	"github.com/superfly/ltx"
)

// maxFrameData bounds what a page's frame says of its size: the largest page
// as LZ4 stores it when it does not compress.
const maxFrameData = ltx.MaxPageSize + ltx.MaxPageSize/255 + 16

// NewDecoder returns a decoder whose memory does not grow with the file, and
// not with what a damaged file claims: ltx.Decoder allocates as many bytes as
// a frame says that it has, up to 4 GiB, before it reads them. It keeps no
// page index.
func NewDecoder(r io.Reader) *ltx.Decoder {
	dec := ltx.NewDecoder(&frameGuard{r: r, need: ltx.HeaderSize})
	dec.SetRetainPageIndex(false)
	return dec
}

// Name is how an error names a file, whatever layout it is stored in.
func Name(level int, minTXID, maxTXID ltx.TXID) string {
	return fmt.Sprintf("level %d %s", level, ltx.FormatFilename(minTXID, maxTXID))
}

// frameGuard passes an LTX file on, and fails where a frame claims to be
// larger than any page. It follows the file's structure as it passes.
type frameGuard struct {
	r    io.Reader
	in   part
	need int64 // bytes left of the part
	got  []byte
	err  error
}

// part is what frameGuard is in. The rest of the file, behind the pages or in
// the older framing without sizes, is passed on unseen.
type part uint8

const (
	inHeader part = iota
	inPageHeader
	inSize
	inData
	inRest
)

func (g *frameGuard) Read(p []byte) (int, error) {
	if g.err != nil {
		return 0, g.err
	}
	n, err := g.r.Read(p)
	for at := 0; at < n && g.in != inRest; {
		step := int(min(g.need, int64(n-at)))
		if g.in == inPageHeader || g.in == inSize {
			g.got = append(g.got, p[at:at+step]...)
		}
		at += step
		if g.need -= int64(step); g.need > 0 {
			break
		}
		if g.err = g.turn(); g.err != nil {
			// The last byte is held back: with it the decoder would have all
			// that it asked for, and would not look at the error.
			return at - 1, g.err
		}
	}
	return n, err
}

// turn goes on to the next part.
func (g *frameGuard) turn() error {
	switch g.in {
	case inHeader, inData:
		g.in, g.need = inPageHeader, ltx.PageHeaderSize
	case inPageHeader:
		var hdr ltx.PageHeader
		if err := hdr.UnmarshalBinary(g.got); err != nil {
			return err
		}
		if hdr.IsZero() || hdr.Flags&ltx.PageHeaderFlagSize == 0 {
			g.in = inRest
			break
		}
		g.in, g.need = inSize, 4
	case inSize:
		g.in, g.need = inData, int64(binary.BigEndian.Uint32(g.got))
		if g.need == 0 || g.need > maxFrameData {
			return fmt.Errorf("page's frame says it has %d bytes: want 1 to %d", g.need, maxFrameData)
		}
	}
	g.got = g.got[:0]
	return nil
}
