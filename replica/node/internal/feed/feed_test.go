package feed

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"

	"kvd/logical"
	"kvd/replica"
	"kvd/resolve"
)

// quietHub serves keys that begin with s by lww, others by hlc, and reads ops from
// a map.
func quietHub(ops map[logical.Dot]*resolve.Op) *Hub {
	return New(Config{
		Leader: "n1",
		Serves: func(key string) resolve.ID {
			if strings.HasPrefix(key, "s") {
				return resolve.LWW
			}
			return resolve.HLC
		},
		NameOf: func(o logical.Origin) string { return fmt.Sprintf("n%d", o) },
		Op: func(d logical.Dot) (*resolve.Op, bool, error) {
			if d.Origin == 13 {
				return nil, false, errors.New("the disk is gone")
			}
			op, ok := ops[d]
			return op, ok, nil
		},
	})
}

func dotOf(origin logical.Origin, seq logical.Seq) logical.Dot {
	return logical.Dot{Origin: origin, Seq: seq}
}

func lost(key string, loser logical.Dot) *replica.Judged {
	return &replica.Judged{Key: key, At: 7, Verdict: resolve.Verdict{Resolvers: resolve.LWW.Mask(), Relation: resolve.Inverted, Loser: loser, Winner: dotOf(1, 9)}}
}

// taken is everything that waits for the reader now.
func taken(r *listener) []string {
	var all []string
	for {
		event, data, ok := r.Next()
		if !ok {
			return all
		}
		all = append(all, event+" "+string(data))
	}
}

func silent() {}

// The loop of a leader that nobody listens to pays nothing.
func TestTellingNobodyCostsNothing(t *testing.T) {
	h := quietHub(nil)
	e := lost("s", dotOf(2, 1))
	if n := testing.AllocsPerRun(100, func() { h.Tell(e) }); n != 0 || h.waiting != nil {
		t.Errorf("%v allocations, and %d events wait", n, len(h.waiting))
	}
	h.listen("", true, anyKey, silent)
	e.Verdict.Relation = resolve.Superseded
	h.Tell(e)
	if len(h.waiting) != 0 {
		t.Error("what was superseded is told")
	}
}

func TestWhatReadersAreTold(t *testing.T) {
	long := strings.Repeat("x", valueBytes-1) + "ä and more"
	h := quietHub(map[logical.Dot]*resolve.Op{
		dotOf(3, 1): {Kind: resolve.Put, Value: []byte("<milk>")},
		dotOf(3, 2): {Kind: resolve.Put, Value: []byte("\xff\x00")},
		dotOf(3, 3): {Kind: resolve.Put, Value: []byte(long)},
		dotOf(3, 4): {Kind: resolve.Delete},
		dotOf(3, 5): {Kind: resolve.Put, Value: []byte{}},
	})
	retracted, none := lost("s", dotOf(3, 1)), lost("s", dotOf(3, 9))
	retracted.Verdict.Retracted, retracted.Verdict.Relation = true, resolve.Superseded
	none.Verdict.Winner = logical.Dot{}
	const head = `{"event":"lost","leader":"n1","resolver":"lww","serving":true,"relation":"inverted",`
	const origin = `"0000000000000003-`
	tail := func(seq int) string {
		return fmt.Sprintf(`"loser":%s%d","winner":"%s","at":7,"at_time":"1970-01-01T00:00:00.000000007Z","accepted_by":"n3"`, origin, seq, dotOf(1, 9))
	}
	for i, tc := range []struct {
		e    *replica.Judged
		want string
	}{
		{lost("s&1", dotOf(3, 1)), head + `"key":"s&1",` + tail(1) + `,"value":"<milk>"}`},
		{lost("s\xfe", dotOf(3, 2)), head + `"key_base64":"c/4=",` + tail(2) + `,"value_base64":"/wA="}`},
		{lost("s", dotOf(3, 3)), head + `"key":"s",` + tail(3) + `,"value":"` + long[:valueBytes-1] + `","size":` + fmt.Sprint(len(long)) + `}`},
		{lost("s", dotOf(3, 4)), head + `"key":"s",` + tail(4) + `}`},
		{lost("s", dotOf(3, 5)), head + `"key":"s",` + tail(5) + `,"value":""}`},
		{lost("s", dotOf(3, 6)), head + `"key":"s",` + tail(6) + `}`},
		{none, head + `"key":"s","loser":` + origin + `9","winner":"","at":7,"at_time":"1970-01-01T00:00:00.000000007Z","accepted_by":"n3"}`},
		{lost("s", dotOf(13, 1)), head + `"key":"s","loser":"000000000000000d-1","winner":"0000000000000001-9","at":7,"at_time":"1970-01-01T00:00:00.000000007Z","accepted_by":"n13"}`},
		{retracted, strings.Replace(strings.Replace(head, "lost", "retracted", 1), "inverted", "", 1) + `"key":"s",` + tail(1) + `,"value":"<milk>"}`},
	} {
		if got := h.encode(&event{*tc.e, resolve.LWW}, true); string(got.data) != tc.want || !json.Valid(got.data) {
			t.Errorf("%d:\n got %s\nwant %s", i, got.data, tc.want)
		}
	}
}

// What several resolvers agree on is one event and a message for each of them.
func TestEveryResolverOfAVerdictIsTold(t *testing.T) {
	h := quietHub(nil)
	serving, all := h.listen("", false, anyKey, silent), h.listen("", true, anyKey, silent)
	e := lost("s", dotOf(2, 1))
	e.Verdict.Resolvers = resolve.LWW.Mask() | resolve.HLC.Mask() | resolve.Causal.Mask()
	h.Tell(e)
	h.spread()
	for name, r := range map[string]struct {
		*listener
		want []string
	}{"serving": {serving, []string{"lww"}}, "all": {all, []string{"lww", "hlc", "causal"}}} {
		var got []string
		for _, m := range taken(r.listener) {
			var told lossMessage
			if err := json.Unmarshal([]byte(strings.TrimPrefix(m, "lost ")), &told); err != nil {
				t.Fatal(err)
			}
			got = append(got, told.Resolver)
		}
		if strings.Join(got, " ") != strings.Join(r.want, " ") {
			t.Errorf("%s: told of %q, want %q", name, got, r.want)
		}
	}
}

// Readers get the losses of the resolver that serves, or of all, of keys that they
// asked for, in order; each is read from the log once.
func TestReadersGetWhatTheyAskedFor(t *testing.T) {
	reads := 0
	h := quietHub(nil)
	h.cfg.Op = func(logical.Dot) (*resolve.Op, bool, error) { reads++; return nil, false, nil }
	serving, all, some := h.listen("", false, anyKey, silent), h.listen("", true, anyKey, silent), h.listen("x:", true, anyKey, silent)
	for _, e := range []*replica.Judged{lost("s", dotOf(2, 1)), lost("x:1", dotOf(2, 2)), lost("x:2", dotOf(2, 2))} {
		h.Tell(e)
	}
	h.spread()
	if reads != 2 {
		t.Errorf("two writes are read %d times", reads)
	}
	for name, r := range map[string]struct {
		*listener
		keys string
	}{"serving": {serving, "s"}, "all": {all, "s x:1 x:2"}, "some": {some, "x:1 x:2"}} {
		var keys []string
		for _, m := range taken(r.listener) {
			var got lossMessage
			if err := json.Unmarshal([]byte(strings.TrimPrefix(m, "lost ")), &got); err != nil {
				t.Fatal(err)
			}
			keys = append(keys, *got.Key)
			if got.Serving != strings.HasPrefix(*got.Key, "s") {
				t.Errorf("%s: serving is %v", m, got.Serving)
			}
		}
		if strings.Join(keys, " ") != r.keys {
			t.Errorf("%s: got %q, want %q", name, keys, r.keys)
		}
	}
	for _, r := range []*listener{serving, all, some} {
		r.Close()
	}
	if h.Stats().Readers != 0 || len(h.listeners) != 0 {
		t.Error("readers are left")
	}
}

// What did not fit into the hub's own queue is told before what is newer, to those
// whom it may have concerned.
func TestTheHubIsBounded(t *testing.T) {
	h := quietHub(nil)
	serving, all, some := h.listen("", false, anyKey, silent), h.listen("", true, anyKey, silent), h.listen("s8190", false, anyKey, silent)
	for i := range maxWaiting + 3 {
		h.Tell(lost([]string{"s", "x"}[i%2]+fmt.Sprint(i), dotOf(2, 1)))
	}
	h.spread()
	for name, tc := range map[string]struct {
		*listener
		missed, kept int
	}{"serving": {serving, 2, maxWaiting / 2}, "all": {all, 3 + maxWaiting - queueMessages, queueMessages}, "some": {some, 2, 1}} {
		got := taken(tc.listener)
		if want := fmt.Sprintf(`missed {"event":"missed","count":%d}`, tc.missed); got[0] != want || len(got) != 1+tc.kept {
			t.Errorf("%s: %d come, and the first is %s; want %s and %d", name, len(got), got[0], want, tc.kept)
		}
	}
	if got, want := h.Stats().Missed, uint64(2+3+maxWaiting-queueMessages+2); got != want {
		t.Errorf("%d are counted as missed, want %d", got, want)
	}
	big := strings.Repeat("s", 1<<20)
	for range 6 {
		h.Tell(lost(big, dotOf(2, 1)))
	}
	if len(h.waiting) != 4 || h.bytes != maxWaitingBytes || h.passed != [2]uint64{0, 2} {
		t.Errorf("%d wait with %d bytes, %v passed", len(h.waiting), h.bytes, h.passed)
	}
}

// However a reader reads, what it took and what it was told to have missed add up
// to what was told, what it took is in order, and nothing outgrows the bounds.
func TestReadersMissExactlyWhatTheyAreTold(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		h := quietHub(nil)
		wakes := 0
		r := h.listen("", true, anyKey, func() { wakes++ })
		told, took, missing, newest, empty := uint64(0), uint64(0), uint64(0), uint64(0), true
		read := func(n int) {
			for range n {
				event, data, ok := r.Next()
				if !ok {
					empty = true
					return
				}
				var m struct{ Count, At uint64 }
				if err := json.Unmarshal(data, &m); err != nil {
					t.Fatal(err)
				}
				if event == missed {
					missing += m.Count
					continue
				}
				if took++; m.At <= newest {
					t.Fatalf("%d after %d", m.At, newest)
				}
				newest = m.At
			}
		}
		for range rapid.IntRange(1, 12).Draw(t, "turns") {
			before, pad := wakes, strings.Repeat(" ", rapid.SampledFrom([]int{0, 0, 900}).Draw(t, "size"))
			for range rapid.IntRange(0, queueMessages).Draw(t, "told") {
				told++
				r.offer(&message{"lost", fmt.Appendf(nil, `{"at":%d}%s`, told, pad), 1})
			}
			if len(r.queue) > queueMessages || r.bytes > queueBytes {
				t.Fatalf("%d messages of %d bytes wait", len(r.queue), r.bytes)
			}
			if empty && len(r.queue) > 0 && wakes != before+1 {
				t.Fatalf("the reader was woken %d times", wakes-before)
			}
			empty = empty && len(r.queue) == 0
			read(rapid.IntRange(0, queueMessages+2).Draw(t, "read"))
		}
		read(2 * queueMessages)
		if took+missing != told || h.Stats().Missed != missing {
			t.Fatalf("told %d, took %d, missed %d, counted %d", told, took, missing, h.Stats().Missed)
		}
	})
}

// The begin of a value is text where the value is, and never longer than it may be.
func TestValuesAreCutBetweenCharacters(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		v := []byte(rapid.StringN(rapid.SampledFrom([]int{0, 100, 250}).Draw(t, "least"), 400, -1).Draw(t, "text"))
		short := begin(v)
		if len(short) > valueBytes || !utf8.Valid(short) || !strings.HasPrefix(string(v), string(short)) || len(short) < min(len(v), valueBytes-utf8.UTFMax+1) {
			t.Fatalf("%q of %q", short, v)
		}
	})
	if got := begin(make([]byte, 999)); len(got) != valueBytes {
		t.Errorf("%d bytes of many", len(got))
	}
	if got := begin([]byte(strings.Repeat("\xff", 999))); len(got) != valueBytes {
		t.Errorf("%d bytes of many that are no text", len(got))
	}
}

// Readers come and go while the loop tells.
func TestReadersComeAndGo(t *testing.T) {
	h := quietHub(nil)
	ended := make(chan struct{})
	var hub, readers, loop sync.WaitGroup
	hub.Go(func() { h.Run(ended) })
	stop := make(chan struct{})
	loop.Go(func() {
		for i := 0; ; i++ {
			select {
			case <-stop:
				return
			default:
				h.Tell(lost("s", dotOf(2, logical.Seq(i+1))))
			}
		}
	})
	for range 8 {
		readers.Go(func() {
			for range 20 {
				wake := make(chan struct{}, 1)
				r := h.listen("", true, anyKey, func() { wake <- struct{}{} })
				<-wake
				if _, _, ok := r.Next(); !ok {
					t.Error("woken for nothing")
				}
				r.Close()
			}
		})
	}
	readers.Wait()
	close(stop)
	loop.Wait()
	close(ended)
	hub.Wait()
	if n := h.Stats().Readers; n != 0 {
		t.Errorf("%d readers are left", n)
	}
}

// anyKey is what a reader may see whose user may see everything.
func anyKey(string) bool { return true }
