package backend

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"io"
	"os"
)

// ReadKey returns the key of size bytes that a file holds, raw or in base64
// with optional white space around it. The error does not show the content.
// It matches no kind, because a missing key must not pass for a missing LTX
// file.
func ReadKey(name string, size int) ([]byte, error) {
	file, err := os.Open(name)
	if err != nil {
		return nil, fmt.Errorf("%v", err) // not %w, see above
	}
	defer file.Close()
	// A wrong name may be that of a large file.
	content, err := io.ReadAll(io.LimitReader(file, int64(4*size+1<<10)))
	if err != nil {
		return nil, fmt.Errorf("%v", err)
	}
	if len(content) == size {
		return content, nil
	}
	key, err := base64.StdEncoding.DecodeString(string(bytes.TrimSpace(content)))
	if err != nil || len(key) != size {
		return nil, fmt.Errorf("%s holds no key of %d bytes", name, size)
	}
	return key, nil
}
