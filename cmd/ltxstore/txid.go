package main

import (
	"fmt"
	"strconv"

	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/backend"
)

// txidFlag is a flag with a transaction: 16 hexadecimal digits, as files are
// named.
type txidFlag ltx.TXID

// String implements flag.Value.
func (f *txidFlag) String() string {
	if *f == 0 {
		return ""
	}
	return ltx.TXID(*f).String()
}

// Set implements flag.Value.
func (f *txidFlag) Set(text string) error {
	txid, err := ltx.ParseTXID(text)
	if err != nil || txid == 0 {
		return fmt.Errorf("want 16 hexadecimal digits, such as 00000000000003e8")
	}
	*f = txidFlag(txid)
	return nil
}

// file parses a level and a name as ls shows them: 0 and MIN-MAX, or
// MIN-MAX.ltx.
func parseFile(level, name string) (*ltx.FileInfo, error) {
	f := new(ltx.FileInfo)
	n, err := strconv.Atoi(level)
	if err != nil || backend.CheckLevel(n) != nil {
		return nil, usagef("level is %q: want 0 to %d", level, ltxstore.MaxLevel)
	}
	f.Level = n
	minTXID, maxTXID, ok := backend.ParseFilename(name)
	if !ok {
		minTXID, maxTXID, ok = backend.ParseFilename(name + ".ltx")
	}
	if !ok {
		return nil, usagef("file is %q: want MIN-MAX of 16 hexadecimal digits each, such as 0000000000000001-00000000000003e8", name)
	}
	f.MinTXID, f.MaxTXID = minTXID, maxTXID
	return f, nil
}
