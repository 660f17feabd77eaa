package ltxstore

import (
	"fmt"
	"io/fs"

	"github.com/ltxstore/ltxstore/internal/settings"
)

// Verification says what a backend that speaks to a service looks at after a
// write, each time at the cost of further requests.
type Verification string

// The verifications. A mismatch is ErrChecksum; the file stays, as the service
// shows it.
const (
	VerifyNone     Verification = ""         // the service has verified the checksum
	VerifyHead     Verification = "head"     // the object's size, asked for again
	VerifyReadback Verification = "readback" // the content, read back and compared by CRC-64
)

// Validate returns an error of kind fs.ErrInvalid for any other value.
func (v Verification) Validate() error {
	switch v {
	case VerifyNone, VerifyHead, VerifyReadback:
		return nil
	}
	return fmt.Errorf("%w: %w", &settings.FieldError{Field: "Verify", Value: string(v),
		Want: fmt.Sprintf("want %q, %q or %q", VerifyNone, VerifyHead, VerifyReadback)}, fs.ErrInvalid)
}
