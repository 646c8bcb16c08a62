package storage_test

import (
	"encoding/hex"
	"fmt"
	"runtime"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"kvd/logical"
	"kvd/resolve"
	"kvd/storage"
	"kvd/storage/codec/codectest"
)

var (
	states = codectest.Pair[storage.State]{Draw: state, Append: storage.AppendState, Decode: storage.DecodeState}
	rows   = codectest.Pair[*storage.LossRow]{Draw: keyless, Append: storage.AppendRow, Decode: storage.DecodeRow}
	judged = codectest.Pair[storage.Judged]{Draw: judgement, Append: storage.AppendJudged, Decode: storage.DecodeJudged}
	stats  = codectest.Pair[storage.LedgerStats]{Draw: ledgerStats,
		Append: func(dst []byte, h storage.LedgerStats) []byte { return storage.AppendLedgerStats(dst, &h) }, Decode: storage.DecodeLedgerStats}
)

func TestJudgedLaws(t *testing.T)      { codectest.Laws(t, judged) }
func TestRowLaws(t *testing.T)         { codectest.Laws(t, rows) }
func TestLedgerStatsLaws(t *testing.T) { codectest.Laws(t, stats) }
func TestStateLaws(t *testing.T)       { codectest.Laws(t, states) }

// keyless is a row as it is encoded: key and loser stand in the storage key.
func keyless(t *rapid.T) *storage.LossRow {
	r := row(t)
	r.Key, r.Loser = "", logical.Dot{}
	return r
}

func FuzzDecodeRow(f *testing.F) { codectest.Fuzz(f, rows, storage.AppendRow(nil, typicalRow())) }

func FuzzDecodeLedgerStats(f *testing.F) {
	h := storage.LedgerStats{Rows: 3, Bytes: 900, Entered: 7, Evicted: storage.Evicted{Rows: 4, Bytes: 1200, Newest: -1}}
	h.Inserted[resolve.LWW], h.Evicted.Verdicts[resolve.Causal] = [2]int64{5, 6}, [2]int64{0, 4}
	codectest.Fuzz(f, stats, storage.AppendLedgerStats(nil, &h))
}

func FuzzDecodeState(f *testing.F) {
	codectest.Fuzz(f, states, storage.AppendState(nil, storage.State{
		Origin: 7, Lamport: 300, HLC: logical.HLC{Wall: -5, Count: 1},
		Frontier: logical.FrontierOf(logical.Dot{Origin: 7, Seq: 70000}, logical.Dot{Origin: 9, Seq: 1}),
	}))
}

// TestAnnouncedLengths: what a decoder allocates stays in proportion to what was sent,
// whatever length a header promises.
func TestAnnouncedLengths(t *testing.T) {
	for name, h := range map[string]string{
		"array":    "dd7fffffff",
		"verdicts": "930101" + "dc0060",
		"kept":     "9901019601010000000009c603ffffff",
		"counts":   "9a0100000030",
		"frontier": "96010101" + "0101" + "dc2000",
	} {
		b, err := hex.DecodeString(h)
		if err != nil {
			t.Fatal(err)
		}
		n := allocated(func() {
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

// allocated is how many bytes f allocates.
func allocated(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

// refused is what every decoder says of b.
func refused(b []byte) []error {
	_, row := storage.DecodeRow(b)
	_, stats := storage.DecodeLedgerStats(b)
	_, state := storage.DecodeState(b)
	return []error{row, stats, state}
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

func golden(t *testing.T, got []byte, want string) {
	t.Helper()
	if hex.EncodeToString(got) != want {
		t.Errorf("encoding changed:\n got %x\nwant %s", got, want)
	}
}
