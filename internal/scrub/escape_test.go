package scrub

import (
	"math/rand/v2"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"
)

// The digits of an escape mean what they do to strconv.
func TestNumber(t *testing.T) {
	const alphabet = "0123456789abcdefABCDEFgGxX+-_ @`/:\x00\xff"
	random := rand.New(rand.NewPCG(1, 2))
	for range 50_000 {
		text := make([]byte, random.IntN(10))
		for i := range text {
			text[i] = alphabet[random.IntN(len(alphabet)/(1+random.IntN(2)))]
		}
		for _, base := range []int{8, 10, 16} {
			digits := random.IntN(10)
			var want uint64
			isNumber := digits <= len(text)
			if isNumber {
				var err error
				want, err = strconv.ParseUint(string(text[:digits]), base, 32)
				isNumber = err == nil
			}
			n, ok := number(string(text), digits, base)
			require.Equal(t, isNumber, ok, "%q, %d digits of base %d", text, digits, base)
			if ok {
				require.Equal(t, want, n, "%q, %d digits of base %d", text, digits, base)
			}
		}
	}
}
