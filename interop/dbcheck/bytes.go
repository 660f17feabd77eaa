package dbcheck

import (
	"bufio"
	"fmt"
	"io"
	"os"
)

// CompareBytes compares two files byte by byte: two restores of the same files
// must be equal. If they differ, the error matches ErrDifferent and names the
// first byte that differs. Do not use it for a database that is open in this
// process: see engine.Open.
func CompareBytes(wantPath, gotPath string) error {
	want, err := os.Open(wantPath)
	if err != nil {
		return err
	}
	defer want.Close()
	got, err := os.Open(gotPath)
	if err != nil {
		return err
	}
	defer got.Close()

	wantBytes, gotBytes := bufio.NewReaderSize(want, 1<<16), bufio.NewReaderSize(got, 1<<16)
	for offset := int64(0); ; offset++ {
		w, wantErr := wantBytes.ReadByte()
		g, gotErr := gotBytes.ReadByte()
		switch {
		case wantErr == io.EOF && gotErr == io.EOF:
			return nil
		case wantErr == io.EOF:
			return fmt.Errorf("%s continues after byte %d, at which %s ends: %w", gotPath, offset, wantPath, ErrDifferent)
		case gotErr == io.EOF:
			return fmt.Errorf("%s ends after byte %d, at which %s continues: %w", gotPath, offset, wantPath, ErrDifferent)
		case wantErr != nil:
			return wantErr
		case gotErr != nil:
			return gotErr
		case w != g:
			return fmt.Errorf("byte %d is %#02x in %s and %#02x in %s: %w", offset, w, wantPath, g, gotPath, ErrDifferent)
		}
	}
}
