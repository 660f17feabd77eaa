package ltxio

import (
	"bytes"

	"github.com/superfly/ltx"
)

// Header parses the header of a body; first has its first ltx.HeaderSize bytes, or all of it. isLTX is
// false for a body without the LTX magic. It fails with fs.ErrInvalid if the body has the magic but no
// valid header of the transactions minTXID to maxTXID (clause W7).
func Header(first []byte, minTXID, maxTXID ltx.TXID) (hdr ltx.Header, isLTX bool, err error) {
	if !bytes.HasPrefix(first, []byte(ltx.Magic)) {
		return ltx.Header{}, false, nil
	}
	err = decode(&hdr, first[:min(len(first), ltx.HeaderSize)], minTXID, maxTXID)
	return hdr, err == nil, err
}
