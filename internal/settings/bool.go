package settings

import (
	"errors"
	"slices"
	"strings"
)

// ParseBool parses true, t, yes, y, on, 1 and their opposites, in upper or
// lower case. Everything else is an error: a mistyped value must not mean false.
func ParseBool(text string) (bool, error) {
	text = strings.ToLower(text)
	switch {
	case slices.Contains([]string{"true", "t", "yes", "y", "on", "1"}, text):
		return true, nil
	case slices.Contains([]string{"false", "f", "no", "n", "off", "0"}, text):
		return false, nil
	}
	return false, errors.New("want true or false")
}
