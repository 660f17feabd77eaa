package ltxio

import (
	"bytes"

	"github.com/superfly/ltx"
)

// Header reads the header that a body begins with; first is its first
// ltx.HeaderSize bytes, or all it has. isLTX is false for a body without the
// LTX magic. One that has the magic and no valid header of the transactions
// minTXID to maxTXID is fs.ErrInvalid (clause W7).
func Header(first []byte, minTXID, maxTXID ltx.TXID) (hdr ltx.Header, isLTX bool, err error) {
	if !bytes.HasPrefix(first, []byte(ltx.Magic)) {
		return ltx.Header{}, false, nil
	}
	err = decode(&hdr, first[:min(len(first), ltx.HeaderSize)], minTXID, maxTXID)
	return hdr, err == nil, err
}
