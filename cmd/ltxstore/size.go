package main

import (
	"errors"

	"github.com/ltxstore/ltxstore/backend/settings"
)

// sizeFlag is a flag with a number of bytes, such as 16MB.
type sizeFlag int64

// String implements flag.Value.
func (f *sizeFlag) String() string {
	if *f == 0 {
		return ""
	}
	return humanSize(int64(*f))
}

// Set implements flag.Value.
func (f *sizeFlag) Set(text string) error {
	n, err := settings.ParseSize(text)
	if err != nil || n <= 0 {
		return errors.New("want a size such as 16MB or 1GiB")
	}
	*f = sizeFlag(n)
	return nil
}
