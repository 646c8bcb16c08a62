package cliutil

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// Bytes reads a size: a number of bytes, or one of KiB, MiB, GiB or TiB.
func Bytes(text string) (int64, error) {
	number, factor := text, int64(1)
	for i, unit := range []string{"KiB", "MiB", "GiB", "TiB"} {
		if rest, ok := strings.CutSuffix(text, unit); ok {
			number, factor = rest, int64(1)<<(10*(i+1))
		}
	}
	n, err := strconv.ParseInt(number, 10, 64)
	if err != nil || n < 0 || n > math.MaxInt64/factor {
		return 0, fmt.Errorf("%q is no size; write 512MiB, 1GiB, or a number of bytes", text)
	}
	return n * factor, nil
}
