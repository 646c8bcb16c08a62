package losses_test

import (
	"encoding/hex"
	"testing"

	"kvd/resolve"
	"kvd/storage/losses"
	"kvd/storage/losses/lossestest"
)

func goldenLoss() *losses.Row {
	r := lossestest.TypicalRow()
	r.Evidence.Value = []byte("hi")
	r.Evidence.Size = 5
	r.Retract(resolve.Causal)
	r.Insert(resolve.Loss{Resolver: resolve.Lamport, Relation: resolve.Concurrent, At: r.Verdicts[0].At})
	return r
}

func goldenHeld() losses.Stats {
	h := losses.Stats{Rows: 2, Bytes: 300, Entered: 9, Evicted: losses.Evicted{Rows: 4, Bytes: 500, Newest: -1}}
	h.Inserted[resolve.LWW], h.Retracted[resolve.HLC] = [2]int64{5, 6}, [2]int64{0, 1}
	h.Evicted.Verdicts[resolve.Causal] = [2]int64{0, 4}
	return h
}

// Stores on disk hold these bytes.
const (
	at        = "cf187a866b7325e655" + "cd0bb8" // earliest, width: 3,000 times 2 microseconds
	winner    = "cf1c77e0d2a9b3f846" + "cdbb80"
	goldenRow = "dc0010" + // sixteen elements
		"01" + "cd012c" + // format, place 300
		"dc0012" + // three verdicts of six elements
		"01" + "01" + winner + at + // lww: inverted
		"02" + "02" + "0000" + at + // lamport: concurrent, nobody won
		"04" + "02" + winner + at + // hlc: concurrent
		"cc91" + "c4026869" + "03" + at + "ce00024e3c" + // a put with request and winner; two bytes kept of five; wall, Lamport
		"05" + "09" + // client, request
		at + "0000" + "ce00024e3d" // the winner's wall, hlc at its midpoint, Lamport
	goldenLedgerStats = "9a" + "01" + "02" + "cd012c" + "09" + // format, rows, bytes, entered
		"93" + "000506" + "93" + "020001" + // inserted under lww, retracted under hlc
		"04" + "cd01f4" + "ff" + "93" + "050004" // evicted: rows, bytes, newest, under causal
)

func TestGoldenRow(t *testing.T) { golden(t, losses.AppendRow(nil, goldenLoss()), goldenRow) }

func TestGoldenStats(t *testing.T) {
	h := goldenHeld()
	golden(t, losses.AppendStats(nil, &h), goldenLedgerStats)
}

func golden(t *testing.T, got []byte, want string) {
	t.Helper()
	if hex.EncodeToString(got) != want {
		t.Errorf("encoding changed:\n got %x\nwant %s", got, want)
	}
}
