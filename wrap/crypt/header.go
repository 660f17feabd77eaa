package crypt

import (
	"encoding/base64"
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
	"slices"
	"strconv"
	"strings"

	"filippo.io/age"
	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore/wrap/internal/codec"
	"github.com/ltxstore/ltxstore/wrap/internal/layer"
)

// headerSize is the size of every header, so that the size of a body follows from that of its
// file.
const headerSize = 4096

// binding is what the last stanza of a header says about its file.
type binding struct {
	file      layer.File
	timestamp int64 // or codec.NotLTX
}

const bindingType = "ltxstore-v1"

// stanza returns the last stanza of a header with the others. Its arguments are the level, the
// name, the time, and the padding: a checksum of all before it, and zeros. The header's MAC
// cannot be verified without an identity of the file: without the checksum, a damaged stanza
// of a recipient would look like that of another one.
func (b binding) stanza(others []*age.Stanza) (*age.Stanza, error) {
	at := "-"
	if b.timestamp != codec.NotLTX {
		at = strconv.FormatInt(b.timestamp, 10)
	}
	args := []string{strconv.Itoa(b.file.Level), ltx.FormatFilename(b.file.MinTXID, b.file.MaxTXID), at}
	sum := crc32.New(crc32.MakeTable(crc32.Castagnoli))
	fmt.Fprintf(sum, "%q\n", args)
	s := &age.Stanza{Type: bindingType, Args: append(args, "")}
	fill := headerSize - len(intro) - footerSize - textSize(s)
	for _, other := range others {
		fmt.Fprintf(sum, "%q %q %x\n", other.Type, other.Args, other.Body)
		fill -= textSize(other)
	}
	padding := fmt.Sprintf("%08x", sum.Sum32())
	if fill < len(padding) {
		return nil, fmt.Errorf("header has more than %d bytes", headerSize)
	}
	s.Args[3] = padding + strings.Repeat("0", fill-len(padding))
	return s, nil
}

// The parts of a header around its stanzas; see https://c2sp.org/age.
const (
	intro      = "age-encryption.org/v1\n"
	footerSize = len("--- ") + 43 + len("\n") // with 32 bytes in base64
)

// textSize returns the size of a stanza in a header. Its body is written in lines of 64
// columns, the last of which is shorter and may be empty.
func textSize(s *age.Stanza) int {
	body := base64.RawStdEncoding.EncodedLen(len(s.Body))
	return len("-> ") + len(s.Type) + len(" ") + len(strings.Join(s.Args, " ")) + len("\n") + body + body/64 + len("\n")
}

// readBinding returns what the last stanza says. It fails if another one would have been
// written for the file.
func readBinding(f layer.File, stanzas []*age.Stanza) (binding, error) {
	last := len(stanzas) - 1
	if last < 0 || stanzas[last].Type != bindingType || len(stanzas[last].Args) != 4 {
		return binding{}, errors.New("not written by this package")
	}
	args := stanzas[last].Args
	b := binding{f, codec.NotLTX}
	var err error
	if args[2] != "-" {
		b.timestamp, err = strconv.ParseInt(args[2], 10, 64)
	}
	want, stanzaErr := b.stanza(stanzas[:last])
	switch {
	case err != nil || stanzaErr != nil:
		return binding{}, errors.Join(err, stanzaErr)
	case !slices.Equal(args[:2], want.Args[:2]):
		return binding{}, fmt.Errorf("file was written as level %q %q: it was moved or swapped", args[0], args[1])
	case !slices.Equal(args, want.Args):
		return binding{}, errors.New("checksum differs")
	}
	return b, nil
}

// recipients is an age.Recipient that writes a header for all of them.
type recipients struct {
	all     []age.Recipient
	binding binding
}

var _ age.RecipientWithLabels = (*recipients)(nil)

// Wrap implements age.Recipient. age calls WrapWithLabels.
func (r *recipients) Wrap(fileKey []byte) ([]*age.Stanza, error) {
	stanzas, _, err := r.WrapWithLabels(fileKey)
	return stanzas, err
}

// WrapWithLabels implements age.RecipientWithLabels. It refuses recipients with different
// labels, as age.Encrypt does.
func (r *recipients) WrapWithLabels(fileKey []byte) (stanzas []*age.Stanza, labels []string, err error) {
	for i, recipient := range r.all {
		var own []string
		var made []*age.Stanza
		if labelled, ok := recipient.(age.RecipientWithLabels); ok {
			made, own, err = labelled.WrapWithLabels(fileKey)
		} else {
			made, err = recipient.Wrap(fileKey)
		}
		if err != nil {
			return nil, nil, err
		}
		if i > 0 && !slices.Equal(own, labels) {
			return nil, nil, errors.New("a file encrypted to both hybrid (age1pq1…) and other recipients is only as secure as the weaker one")
		}
		stanzas, labels = append(stanzas, made...), own
	}
	last, err := r.binding.stanza(stanzas)
	return append(stanzas, last), labels, err
}

// identities is an age.Identity that reads the header of a file with whichever of them fits.
type identities struct {
	all     []age.Identity
	file    layer.File
	binding binding // set by Unwrap; authentic once age has verified the header
}

var errNoMatch = fmt.Errorf("none of the identities (Config.Identities, setting crypt.identities) matches a recipient of the file: %w", fs.ErrPermission)

// Unwrap implements age.Identity.
func (ids *identities) Unwrap(stanzas []*age.Stanza) (fileKey []byte, err error) {
	if ids.binding, err = readBinding(ids.file, stanzas); err != nil {
		return nil, err
	}
	for _, id := range ids.all {
		if fileKey, err = id.Unwrap(stanzas); !errors.Is(err, age.ErrIncorrectIdentity) {
			return fileKey, err
		}
	}
	return nil, errNoMatch
}
