package command

import (
	"bytes"
	"math/big"
	"strconv"
	"strings"

	"kvd/replica"
	"kvd/replica/acl"
	"kvd/replica/command/edit"
	"kvd/replica/resp"
	"kvd/replica/resp/batch"
	"kvd/replica/resp/server"
	"kvd/replica/resp/spec"
)

func floatCommands() []server.Command {
	return []server.Command{
		{Name: "incrbyfloat", Arity: 3, Flags: spec.Write | spec.Fast, Needs: acl.Read | acl.Write, Keys: spec.KeySpec{First: 1, Last: 1, Step: 1}, Since: "2.6.0", Plan: planIncrByFloat, Summary: "Adds to the decimal number of a key. The sum is what is replicated: of two leaders that add at once, one may lose, as the key's resolver says; sums that must not lose are whole numbers under the counter resolver, and INCRBY."},
	}
}

const errNotFloat = resp.Error("ERR value is not a valid float")

// floatBits is the mantissa of the numbers that Redis adds, the long double of
// amd64, so that sums come out the same to the last digit.
const floatBits = 64

// maxFloatText is longer than any number that anybody writes; one of a long double's
// range has at most 4,951 digits.
const maxFloatText = 5120

// parseFloat reads a decimal or hexadecimal number. Infinity is one.
func parseFloat(b []byte) (*big.Float, bool) {
	if len(b) > maxFloatText {
		return nil, false
	}
	s, base, strange := strings.ToLower(string(b)), 10, "_p"
	if strings.HasPrefix(strings.TrimLeft(s, "+-"), "0x") {
		base, strange = 0, "_" // whom base 0 would let in
	}
	if strings.ContainsAny(s, strange) {
		return nil, false
	}
	f, _, err := big.ParseFloat(strings.Replace(s, "infinity", "inf", 1), base, floatBits, big.ToNearestEven)
	return f, err == nil && f.MantExp(nil) <= maxExponent && (f.Sign() == 0 || f.MantExp(nil) >= minExponent)
}

// maxExponent and minExponent are a long double's. What is nearer to zero is no number to
// Redis, and would have digits without end here.
const maxExponent, minExponent = 16384, -16444

// formatFloat writes a number as Redis does: seventeen decimals, without the zeros
// at the end.
func formatFloat(f *big.Float) []byte {
	if f.MantExp(nil) < minShown {
		return []byte("0") // found without the thousands of digits behind those that are shown
	}
	b := f.Append(nil, 'f', 17)
	if bytes.IndexByte(b, '.') >= 0 {
		b = bytes.TrimRight(bytes.TrimRight(b, "0"), ".")
	}
	if string(b) == "-0" {
		b = b[1:]
	}
	return b
}

// minShown is far below the exponent of what seventeen decimals show.
const minShown = -100

func planIncrByFloat(k *server.Call) (batch.Render, error) {
	delta, fine := parseFloat(k.Args[2])
	limit, s := k.Config().Limits.Bulk, k.Note()
	return showSeen, k.Decide(k.Args[1], edit.WithOne(k.Picks(k.Args[1]), func(_ replica.Present, old []byte, there bool) (replica.Write, error) {
		sum, ok := new(big.Float).SetPrec(floatBits), true
		if there {
			sum, ok = parseFloat(old)
		}
		if !ok || !fine {
			return replica.Write{}, errNotFloat
		}
		if sum.IsInf() || delta.IsInf() {
			return replica.Write{}, errNoNumber
		}
		if sum.Add(sum, delta); sum.MantExp(nil) > maxExponent {
			return replica.Write{}, errNoNumber
		}
		value := formatFloat(sum)
		if len(value) > limit {
			return replica.Write{}, resp.Error("ERR the number has more than " + strconv.Itoa(limit) + " digits")
		}
		s.Values = [][]byte{value}
		return replica.Write{Verb: replica.Set, Value: value, Keep: true}, nil
	}))
}

const errNoNumber = resp.Error("ERR increment would produce NaN or Infinity")
