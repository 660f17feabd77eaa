package backend

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"io"
	"os"
)

// ReadKey returns the key of size bytes in a file, raw or in base64 with optional
// white space around it. The error does not show the content. It matches no kind,
// because a missing key must not be mistaken for a missing LTX file.
func ReadKey(name string, size int) ([]byte, error) {
	file, err := os.Open(name)
	if err != nil {
		return nil, fmt.Errorf("%v", err) // not %w, see above
	}
	defer file.Close()
	// The name may by mistake be that of a large file.
	content, err := io.ReadAll(io.LimitReader(file, int64(4*size+1<<10)))
	if err != nil {
		return nil, fmt.Errorf("%v", err)
	}
	if len(content) == size {
		return content, nil
	}
	key, err := base64.StdEncoding.DecodeString(string(bytes.TrimSpace(content)))
	if err != nil || len(key) != size {
		return nil, fmt.Errorf("%s does not contain a key of %d bytes", name, size)
	}
	return key, nil
}
