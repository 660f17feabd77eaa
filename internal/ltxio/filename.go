package ltxio

import "github.com/superfly/ltx"

const (
	fileExt    = ".ltx"
	txidDigits = 16
)

// ParseFilename parses "<min>-<max>.ltx", sixteen lower-case hexadecimal
// digits each with min ≤ max. Listings call it for every name, so that, unlike
// ltx.ParseFilename, it uses no regular expression and no error value.
func ParseFilename(name string) (minTXID, maxTXID ltx.TXID, ok bool) {
	if len(name) != 2*txidDigits+1+len(fileExt) || name[txidDigits] != '-' || name[2*txidDigits+1:] != fileExt {
		return 0, 0, false
	}
	lo, okLo := parseTXID(name[:txidDigits])
	hi, okHi := parseTXID(name[txidDigits+1 : 2*txidDigits+1])
	if !okLo || !okHi || lo > hi {
		return 0, 0, false
	}
	return lo, hi, true
}

func parseTXID(s string) (id ltx.TXID, ok bool) {
	for i := range len(s) {
		c := s[i]
		switch {
		case '0' <= c && c <= '9':
			c -= '0'
		case 'a' <= c && c <= 'f':
			c -= 'a' - 10
		default:
			return 0, false
		}
		id = id<<4 | ltx.TXID(c)
	}
	return id, true
}
