package settings

import (
	"errors"
	"math/big"
	"slices"
	"strconv"
	"strings"
)

const boolKind = "true or false"

// ParseBool reads true, t, yes, y, on, 1 and their opposites, in any case.
// Everything else is an error: a switch that was mistyped must not be off.
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

var errSize = errors.New("want a size in bytes such as 5242880, 5MiB or 1.5GB")

// ParseSize reads bytes: a number, with a unit of a thousand (kB, MB, GB, TB)
// or of 1024 (KiB, MiB, GiB, TiB) after it. The case does not matter, the B
// may be left out, and the number may have a fraction.
func ParseSize(text string) (int64, error) {
	end := strings.LastIndexAny(text, "0123456789.") + 1
	unit := strings.TrimSuffix(strings.ToLower(strings.TrimSpace(text[end:])), "b")
	powers := map[string][2]int64{
		"": {1, 0}, "k": {1000, 1}, "m": {1000, 2}, "g": {1000, 3}, "t": {1000, 4},
		"ki": {1024, 1}, "mi": {1024, 2}, "gi": {1024, 3}, "ti": {1024, 4},
	}
	power, ok := powers[unit]
	// A Rat reads 1/3 and 1e9 too, and the latter could be very long.
	if !ok || strings.Trim(text[:end], "0123456789.") != "" || end > 20 {
		return 0, errSize
	}
	n, ok := new(big.Rat).SetString(text[:end])
	if !ok {
		return 0, errSize
	}
	for range power[1] {
		n.Mul(n, new(big.Rat).SetInt64(power[0]))
	}
	whole := new(big.Int).Quo(n.Num(), n.Denom()) // a fraction of a byte is dropped
	if !whole.IsInt64() {
		return 0, errSize
	}
	return whole.Int64(), nil
}

// ParseNumber reads a decimal number, which may have a fraction.
func ParseNumber(text string) (float64, error) {
	n, err := strconv.ParseFloat(text, 64)
	if err != nil || strings.Trim(text, "0123456789.") != "" {
		return 0, errors.New("want a number such as 10 or 0.5")
	}
	return n, nil
}
