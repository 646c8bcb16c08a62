package history_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"kvd/logical"
	"kvd/scenarios/history"
	"kvd/scenarios/script"
)

func dot(origin, seq uint64) logical.Dot {
	return logical.Dot{Origin: logical.Origin(origin), Seq: logical.Seq(seq)}
}

func shows(value string, dots ...logical.Dot) history.Reading {
	return history.Reading{Values: []string{value}, Dots: dots}
}

// retried is a write that two leaders accepted, the second dot less than the first, and
// a read that was asked for before its acknowledgement.
func retried() *history.History {
	h := history.New()
	w := history.Request{ID: "w", Label: "first", Client: "A", Session: true, Leader: "n1", Key: "y", Verb: script.OpIncr, Delta: 2}
	h.Sent(1, w)
	h.Accepted(2, "n1", "w", history.Acceptance{Dot: dot(2, 1), Delta: 2, After: shows("2", dot(2, 1))})
	h.Sent(3, history.Request{ID: "r", Client: "A", Session: true, Leader: "n2", Key: "y", Verb: script.OpGet})
	h.Sent(4, w)
	h.Accepted(5, "n2", "w", history.Acceptance{Dot: dot(1, 7), Over: []logical.Dot{dot(2, 1)}, Delta: 2, Unseen: true})
	h.Acked(6, "w", "n2", shows("2", dot(1, 7)))
	h.Shown(7, history.Read{Request: "r", Client: "A", Session: true, Leader: "n2", Key: "y", Reading: shows("0")})
	h.Shown(8, history.Read{Client: "B", Leader: "n2", Key: "x", Reading: history.Reading{}})
	h.Failed(9, "w", "no answer")
	h.Final("n2", "y", shows("2", dot(1, 7), dot(2, 1)))
	h.Final("n1", "y", shows("2", dot(2, 1)))
	return h
}

func TestAHistoryKeepsWhatBecameOfARequest(t *testing.T) {
	h := retried()
	w := h.Calls[0]
	if len(h.Updates) != 1 || h.Updates[0] != w || w.Update != 0 || h.Calls[1].Update != -1 {
		t.Errorf("updates %+v, calls %+v", h.Updates, h.Calls)
	}
	if got := w.Dots(); !slices.Equal(got, []logical.Dot{dot(1, 7), dot(2, 1)}) {
		t.Errorf("dots %v", got)
	}
	if w.SentAt != (history.Moment{Turn: 1, At: 1}) || w.AckedAt != (history.Moment{Turn: 6, At: 6}) || !h.Calls[1].AckedAt.Never() {
		t.Errorf("sent %+v, acknowledged %+v", w.SentAt, w.AckedAt)
	}
	var since, own []int32
	for _, r := range h.Replies {
		since, own = append(since, r.Since), append(own, r.Own)
	}
	if !slices.Equal(since, []int32{1, 3, 8}) || !slices.Equal(own, []int32{0, -1, -1}) {
		t.Errorf("what was learned before turns %v obliges; of calls %v", since, own)
	}
	if h.End != 9 || h.Turns != 9 || h.Failures != 1 || h.AppliedKnown || len(h.Contradictions) > 0 {
		t.Errorf("ends at %d after %d events, %d failures, %+v", h.End, h.Turns, h.Failures, h.Contradictions)
	}
	if !h.Sessions[0] || h.Sessions[1] {
		t.Errorf("with a token: %v", h.Sessions)
	}
}

// TestWhatIsNoHistoryIsObjectedTo: a reply to what nobody asked, and one name for two
// things.
func TestWhatIsNoHistoryIsObjectedTo(t *testing.T) {
	for what, c := range map[string]struct {
		feed func(h *history.History)
		want history.ContradictionKind
	}{
		"a write that nobody sent is accepted": {func(h *history.History) { h.Accepted(10, "n1", "other", history.Acceptance{Dot: dot(3, 1)}) }, history.Unasked},
		"a read is accepted":                   {func(h *history.History) { h.Accepted(10, "n1", "r", history.Acceptance{Dot: dot(3, 1)}) }, history.Unasked},
		"what nobody accepted is acknowledged": {func(h *history.History) { h.Acked(10, "r", "n1", shows("")) }, history.Unasked},
		"what nobody sent fails":               {func(h *history.History) { h.Failed(10, "other", "why") }, history.Unasked},
		"a dot is given to another write":      {anotherWrite, history.Reused},
		"another request is sent under its number": {func(h *history.History) {
			h.Sent(10, history.Request{ID: "w", Client: "B", Key: "y", Verb: script.OpIncr})
		}, history.Reused},
	} {
		h := retried()
		c.feed(h)
		if len(h.Contradictions) != 1 || h.Contradictions[0].Kind != c.want || h.Contradictions[0].At != 10 {
			t.Errorf("%s: %+v", what, h.Contradictions)
		}
	}
}

func anotherWrite(h *history.History) {
	h.Sent(9, history.Request{ID: "v", Client: "B", Key: "y", Verb: script.OpSet})
	h.Accepted(10, "n1", "v", history.Acceptance{Dot: dot(2, 1)})
}

// TestARecordIsAllThatAJudgeNeeds: every event with its turn; who has what only where a
// disk was lost.
func TestARecordIsAllThatAJudgeNeeds(t *testing.T) {
	want := `{"writes":[{"request":"w","label":"first","client":"A","session":true,"key":"y","verb":"incr","delta":2,"sent":{"turn":1,"at":1},"acked":{"turn":6,"at":6},"accepted":[` +
		`{"turn":2,"at":2,"leader":"n1","dot":"2-1","over":[],"delta":2,"after":["2-1"]},` +
		`{"turn":5,"at":5,"leader":"n2","dot":"1-7","over":["2-1"],"delta":2,"after":[],"unseen":true}]}],` +
		`"reads":[{"turn":6,"at":6,"since":1,"client":"A","leader":"n2","key":"y","write":"w","dots":["1-7"]},` +
		`{"turn":7,"at":7,"since":3,"client":"A","leader":"n2","key":"y","dots":[]},` +
		`{"turn":8,"at":8,"since":8,"client":"B","leader":"n2","key":"x","dots":[]}],` +
		`"finals":[{"leader":"n1","key":"x","dots":[]},{"leader":"n1","key":"y","dots":["2-1"]},{"leader":"n2","key":"x","dots":[]},{"leader":"n2","key":"y","dots":["1-7","2-1"]}]`
	h := retried()
	if got := record(t, h); got != want+"}" {
		t.Errorf("got\n%s\nwant\n%s", got, want+"}")
	}
	h.DiskLost(10, "n1")
	h.Applied(11*time.Nanosecond, "n1", dot(1, 7))
	want += `,"disks_lost":[{"turn":10,"at":10,"leader":"n1"}],` +
		`"applied":[{"turn":2,"at":2,"leader":"n1","dot":"2-1"},{"turn":5,"at":5,"leader":"n2","dot":"1-7"},{"turn":11,"at":11,"leader":"n1","dot":"1-7"}]}`
	if got := record(t, h); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// record is the history's record with short dots.
func record(t *testing.T, h *history.History) string {
	t.Helper()
	text, err := json.Marshal(h.Record())
	if err != nil {
		t.Fatal(err)
	}
	return strings.ReplaceAll(string(text), fmt.Sprintf("%015d", 0), "")
}
