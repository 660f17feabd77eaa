package crypt

import (
	"errors"
	"fmt"
	"io"

	"filippo.io/age"

	"github.com/ltxstore/ltxstore/wrap/internal/codec"
	"github.com/ltxstore/ltxstore/wrap/internal/layer"
)

var errNoRecipients = fmt.Errorf("writing needs a recipient: want Config.Recipients (setting crypt.recipients): %w", errors.ErrUnsupported)

// Encode implements codec.Format.
func (s *format) Encode(f layer.File, src *codec.Source) (io.Reader, func(codec.Known), error) {
	if len(s.recipients) == 0 {
		return nil, nil, errNoRecipients
	}
	body, err := age.EncryptReader(src, &recipients{s.recipients, binding{f, src.Timestamp}})
	if err != nil {
		return nil, nil, fmt.Errorf("age: %w", err)
	}
	return layer.Sized(body, storedSize(src.Length)), nil, nil
}
