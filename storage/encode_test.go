package storage_test

import (
	"encoding/hex"
	"testing"

	"kvd/logical"
	"kvd/storage"
	"kvd/storage/codec/codectest"
)

var (
	states = codectest.Pair[storage.State]{Draw: state, Append: storage.AppendState, Decode: storage.DecodeState}
	judged = codectest.Pair[storage.Judged]{Draw: judgement, Append: storage.AppendJudged, Decode: storage.DecodeJudged}
)

func TestJudgedLaws(t *testing.T) { codectest.Laws(t, judged) }
func TestStateLaws(t *testing.T)  { codectest.Laws(t, states) }

func FuzzDecodeState(f *testing.F) {
	codectest.Fuzz(f, states, storage.AppendState(nil, storage.State{
		Origin: 7, Lamport: 300, HLC: logical.HLC{Wall: -5, Count: 1},
		Frontier: logical.FrontierOf(logical.Dot{Origin: 7, Seq: 70000}, logical.Dot{Origin: 9, Seq: 1}),
	}))
}

func FuzzDecodeJudged(f *testing.F) {
	unknown := storage.AppendJudged(nil, storage.Judged{Unknown: true})
	f.Add(append([]byte{unknown[0] - 1}, unknown[1:]...)) // one element less is announced than follow
	codectest.Fuzz(f, judged, unknown)
}

// TestAnnouncedFrontierTakesNoMemory: what is allocated stays in proportion to what was
// sent, though a header promises more.
func TestAnnouncedFrontierTakesNoMemory(t *testing.T) {
	b := []byte{0x96, 1, 1, 1, 1, 1, 0xdc, 0x20, 0}
	n := codectest.Allocated(func() {
		if s, err := storage.DecodeState(b); err == nil {
			t.Errorf("accepted as %+v", s)
		}
	})
	if n > 8<<10 {
		t.Errorf("%d bytes were allocated for %d", n, len(b))
	}
}

func golden(t *testing.T, got []byte, want string) {
	t.Helper()
	if hex.EncodeToString(got) != want {
		t.Errorf("encoding changed:\n got %x\nwant %s", got, want)
	}
}
