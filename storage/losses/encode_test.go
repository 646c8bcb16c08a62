package losses_test

import (
	"encoding/hex"
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"kvd/logical"
	"kvd/resolve"
	"kvd/storage/codec/codectest"
	"kvd/storage/losses"
	"kvd/storage/losses/lossestest"
)

var (
	rows  = codectest.Pair[*losses.Row]{Draw: keyless, Append: losses.AppendRow, Decode: losses.DecodeRow}
	stats = codectest.Pair[losses.Stats]{Draw: lossestest.Stats,
		Append: func(dst []byte, s losses.Stats) []byte { return losses.AppendStats(dst, &s) }, Decode: losses.DecodeStats}
)

func TestRowLaws(t *testing.T)   { codectest.Laws(t, rows) }
func TestStatsLaws(t *testing.T) { codectest.Laws(t, stats) }

// keyless is a row as it is encoded: key and loser stand in the storage key.
func keyless(t *rapid.T) *losses.Row {
	r := lossestest.Row(t)
	r.Key, r.Loser = "", logical.Dot{}
	return r
}

func FuzzDecodeRow(f *testing.F) {
	codectest.Fuzz(f, rows, losses.AppendRow(nil, lossestest.TypicalRow()))
}

func FuzzDecodeStats(f *testing.F) {
	s := losses.Stats{Rows: 3, Bytes: 900, Entered: 7, Evicted: losses.Evicted{Rows: 4, Bytes: 1200, Newest: -1}}
	s.Inserted[resolve.LWW], s.Evicted.Verdicts[resolve.Causal] = [2]int64{5, 6}, [2]int64{0, 4}
	codectest.Fuzz(f, stats, losses.AppendStats(nil, &s))
}

// TestAnnouncedLengths: what a decoder allocates stays in proportion to what was sent,
// whatever length a header promises.
func TestAnnouncedLengths(t *testing.T) {
	for name, h := range map[string]string{
		"array":    "dd7fffffff",
		"verdicts": "930101" + "dc0060",
		"kept":     "9901019601010000000009c603ffffff",
		"counts":   "9a0100000030",
	} {
		b, err := hex.DecodeString(h)
		if err != nil {
			t.Fatal(err)
		}
		n := codectest.Allocated(func() {
			for _, err := range refused(b) {
				if err == nil {
					t.Errorf("%s was accepted", name)
				}
			}
		})
		if n > 16<<10+2*uint64(len(b)) {
			t.Errorf("%s: %d bytes were allocated for %d", name, n, len(b))
		}
	}
}

// refused is what every decoder says of b.
func refused(b []byte) []error {
	_, row := losses.DecodeRow(b)
	_, stats := losses.DecodeStats(b)
	return []error{row, stats}
}

// TestEmptyGroups announces groups that hold what is understood without them.
func TestEmptyGroups(t *testing.T) {
	const verdict = "96010100000000"
	for name, h := range map[string]string{
		"row hlc":     "9b0101" + verdict + "09c000000000" + "0000",
		"row request": "9b0101" + verdict + "11c000000000" + "0000",
		"row delta":   "9a0101" + verdict + "21c000000000" + "00",
		"row expires": "9a0101" + verdict + "41c000000000" + "00",
	} {
		b, err := hex.DecodeString(h)
		if err != nil {
			t.Fatal(err)
		}
		if errs := refused(b); !strings.Contains(fmt.Sprint(errs), "announced and empty") {
			t.Errorf("%s: %v", name, errs)
		}
	}
}
