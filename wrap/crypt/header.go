package crypt

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"filippo.io/age"
	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore/backend"
	"github.com/ltxstore/ltxstore/wrap/internal/codec"
	"github.com/ltxstore/ltxstore/wrap/internal/layer"
)

// bindingType is the type of the stanza that binds a file to its name.
const bindingType = "ltxstore-v1"

// binding is the content of the stanza.
type binding struct {
	file  layer.File
	time  time.Time
	isLTX bool
}

// args returns the arguments of the stanza, without the padding.
func (b binding) args() []string {
	at := "-"
	if b.isLTX {
		at = strconv.FormatInt(b.time.UnixMilli(), 10)
	}
	return []string{strconv.Itoa(b.file.Level), ltx.FormatFilename(b.file.MinTXID, b.file.MaxTXID), at}
}

// bound is an age.Recipient for all recipients of a file and the stanza that pads the header
// to a size.
type bound struct {
	recipients []age.Recipient
	binding    binding
	size       int64 // of the whole header
}

var _ age.RecipientWithLabels = (*bound)(nil)

// errHeaderSize means that the stanzas do not leave room for the padding.
var errHeaderSize = errors.New("header does not fit")

// Wrap implements age.Recipient. age calls WrapWithLabels.
func (b *bound) Wrap(fileKey []byte) ([]*age.Stanza, error) {
	stanzas, _, err := b.WrapWithLabels(fileKey)
	return stanzas, err
}

// WrapWithLabels implements age.RecipientWithLabels.
func (b *bound) WrapWithLabels(fileKey []byte) ([]*age.Stanza, []string, error) {
	stanzas, labels, err := wrapAll(b.recipients, fileKey)
	if err != nil {
		return nil, nil, err
	}
	filled := &age.Stanza{Type: bindingType, Args: append(b.binding.args(), "")}
	stanzas = append(stanzas, filled)
	fill := b.size - headerSize(stanzas)
	if fill < sumDigits {
		return nil, nil, errHeaderSize
	}
	before := bytes.TrimRight(headerText(stanzas), "\n")
	sum := fmt.Sprintf("%0*x", sumDigits, crc32.Checksum(before, castagnoli()))
	filled.Args[len(filled.Args)-1] = sum + strings.Repeat("0", int(fill)-sumDigits)
	return stanzas, labels, nil
}

// sumDigits is the number of hex digits of the checksum in the padding. The header's MAC
// cannot be verified without an identity of the file: without the checksum, a damaged
// stanza of a recipient would look like that of another one.
const sumDigits = 8

func castagnoli() *crc32.Table { return crc32.MakeTable(crc32.Castagnoli) }

// isDamaged reports whether the checksum of a header differs. It is false for a header without
// a checksum, such as that of another program.
func isDamaged(header []byte) bool {
	at := bytes.LastIndex(header, []byte("\n"+stanzaPrefix+bindingType+" "))
	line, _, _ := bytes.Cut(header[at+1:], []byte("\n"))
	fill := line[bytes.LastIndexByte(line, ' ')+1:]
	if at < 0 || len(fill) < sumDigits || strings.Trim(string(fill), "0") == "" {
		return false
	}
	before := header[:at+1+len(line)-len(fill)]
	sum, err := strconv.ParseUint(string(fill[:sumDigits]), 16, 32)
	return err != nil || uint32(sum) != crc32.Checksum(before, castagnoli())
}

// wrapAll wraps the key for each recipient. It refuses recipients with different labels, as
// age.Encrypt does.
func wrapAll(recipients []age.Recipient, fileKey []byte) (stanzas []*age.Stanza, labels []string, err error) {
	for i, r := range recipients {
		var own []string
		var made []*age.Stanza
		if labelled, ok := r.(age.RecipientWithLabels); ok {
			made, own, err = labelled.WrapWithLabels(fileKey)
		} else {
			made, err = r.Wrap(fileKey)
		}
		if err != nil {
			return nil, nil, err
		}
		if i > 0 && strings.Join(own, " ") != strings.Join(labels, " ") {
			return nil, nil, errors.New("a file encrypted to both is only as secure as the weaker one")
		}
		stanzas, labels = append(stanzas, made...), own
	}
	return stanzas, labels, nil
}

// leastHeader returns the least header size for these recipients, for any file name.
func leastHeader(recipients []age.Recipient) (int64, error) {
	stanzas, _, err := wrapAll(recipients, make([]byte, 16))
	if err != nil {
		return 0, err
	}
	widest := binding{file: layer.File{Level: 9999}, time: time.UnixMilli(1e14), isLTX: true}
	stanzas = append(stanzas, &age.Stanza{Type: bindingType, Args: append(widest.args(), strings.Repeat("0", sumDigits))})
	return headerSize(stanzas), nil
}

// The lines of a header; see https://c2sp.org/age.
const (
	intro        = "age-encryption.org/v1\n"
	stanzaPrefix = "-> "
	footer       = "---"
	footerLine   = len("--- \n") + 43 // and 32 bytes in base64
	bodyColumns  = 64
)

// headerSize returns the size of a header with these stanzas.
func headerSize(stanzas []*age.Stanza) int64 {
	return int64(len(headerText(stanzas)) + footerLine)
}

// headerText returns a header with these stanzas, without its last line.
func headerText(stanzas []*age.Stanza) []byte {
	text := []byte(intro)
	for _, s := range stanzas {
		text = fmt.Appendf(text, "%s%s %s\n", stanzaPrefix, s.Type, strings.Join(s.Args, " "))
		// The last line is shorter than the others, and may be empty.
		body := base64.RawStdEncoding.EncodeToString(s.Body)
		for ; len(body) >= bodyColumns; body = body[bodyColumns:] {
			text = fmt.Appendf(text, "%s\n", body[:bodyColumns])
		}
		text = fmt.Appendf(text, "%s\n", body)
	}
	return text
}

// readHeader reads an age file's header, and nothing after it. It fails with
// ltxstore.ErrChecksum if there is none, or one of more than 64 KiB.
func readHeader(r *bufio.Reader) ([]byte, error) {
	var header []byte
	for lineStart := 0; ; {
		part, err := r.ReadSlice('\n')
		header = append(header, part...)
		if n := min(len(header), len(intro)); string(header[:n]) != intro[:n] {
			return nil, errNotAge(header)
		}
		switch {
		case len(header) > maxHeaderSize:
			return nil, codec.Corrupt("age header has more than %d bytes", maxHeaderSize)
		case err == io.EOF:
			return nil, fmt.Errorf("%w: %w", codec.Corrupt("file is cut off in its age header"), errShortHeader)
		case err == nil: // a whole line, which may have come in parts
			if bytes.HasPrefix(header[lineStart:], []byte(footer)) {
				return header, nil
			}
			lineStart = len(header)
		case errors.Is(err, bufio.ErrBufferFull):
		default:
			return nil, err
		}
	}
}

// errShortHeader means that the header may continue after what was read.
var errShortHeader = errors.New("header has no end")

func errNotAge(head []byte) error {
	if bytes.HasPrefix(head, []byte("-----BEGIN")) {
		return codec.Corrupt("file is in age's text form: want the binary one")
	}
	return codec.Corrupt("file is not encrypted with age")
}

// parseBinding returns the content of the stanza in an authenticated header. ok is false if
// there is none, as in a file of another program.
func parseBinding(header []byte) (b binding, ok bool, err error) {
	for line := range strings.Lines(string(header)) {
		rest, found := strings.CutPrefix(line, stanzaPrefix+bindingType+" ")
		if !found {
			continue
		}
		args := strings.Split(strings.TrimSuffix(rest, "\n"), " ")
		if ok || len(args) < 3 {
			return binding{}, false, codec.Corrupt("age header has a stanza %q with %d arguments, or two of them", bindingType, len(args))
		}
		level, levelErr := strconv.Atoi(args[0])
		minTXID, maxTXID, isName := backend.ParseFilename(args[1])
		b = binding{file: layer.File{Level: level, MinTXID: minTXID, MaxTXID: maxTXID}, isLTX: args[2] != "-"}
		var timeErr error
		if b.isLTX {
			var millis int64
			millis, timeErr = strconv.ParseInt(args[2], 10, 64)
			b.time = time.UnixMilli(millis).UTC()
		}
		// Only the canonical form is accepted: 01 was not written here.
		if errors.Join(levelErr, timeErr, backend.CheckLevel(level)) != nil || !isName || !slices.Equal(b.args(), args[:3]) {
			return binding{}, false, codec.Corrupt("age header has an invalid stanza %q: %q", bindingType, args[:3])
		}
		ok = true
	}
	return b, ok, nil
}
