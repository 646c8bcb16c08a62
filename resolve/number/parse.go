package number

import (
	"math"
	"strconv"
)

// Canonical reads a number that a client has written: it must be written as one is
// printed, without a plus sign or leading zeros, as Redis has it.
func Canonical(value []byte) (int64, bool) {
	n, ok := Integer(value)
	if !ok {
		return 0, false
	}
	var printed [20]byte
	return n, string(strconv.AppendInt(printed[:0], n, 10)) == string(value)
}

// Integer reads what strconv.ParseInt takes in base ten. Most values are no numbers,
// and an error for each would be garbage.
func Integer(value []byte) (int64, bool) {
	digits, negative := value, false
	if len(value) > 0 && (value[0] == '-' || value[0] == '+') {
		digits, negative = value[1:], value[0] == '-'
	}
	if len(digits) == 0 {
		return 0, false
	}
	var n int64 // counted downwards: there is one negative number more
	for _, c := range digits {
		d := c - '0'
		if d > 9 || n < (math.MinInt64+int64(d))/10 {
			return 0, false
		}
		n = 10*n - int64(d)
	}
	if negative {
		return n, true
	}
	return -n, n != math.MinInt64
}
