package stream

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"kvd/logical"
	"kvd/resolve"
	"kvd/wallclock"
)

func op(o logical.Origin, s int, value int) *resolve.Op {
	return &resolve.Op{Dot: logical.Dot{Origin: o, Seq: logical.Seq(s)}, Lamport: logical.Lamport(s), Value: make([]byte, value)}
}

func line(o logical.Origin, from, to int) (all []*resolve.Op) {
	for s := from; s <= to; s++ {
		all = append(all, op(o, s, 10))
	}
	return all
}

// However ops leave, arrive and are taken back, what is in flight is what was sent and
// did not arrive, to the byte.
func TestFlightIsWhatDidNotArrive(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var set Set
		acked := map[logical.Origin]int{}
		origin := rapid.SampledFrom([]logical.Origin{1, 2})
		now := wallclock.Mono(0)
		for range rapid.IntRange(0, 40).Draw(t, "steps") {
			o := origin.Draw(t, "origin")
			st := set.Of(o, logical.Seq(acked[o]))
			now++
			switch rapid.IntRange(0, 3).Draw(t, "what") {
			case 0:
				st.Restart(st.Acked())
			case 1:
				k := rapid.IntRange(acked[o], int(st.Sent)+2).Draw(t, "acked")
				acked[o] = k
				st.Progress(logical.Seq(k), now)
			default:
				from := int(st.Sent) + 1
				set.Ship(st, line(o, from, from+rapid.IntRange(0, 4).Draw(t, "more")), now)
			}
			if st.Acked() != logical.Seq(acked[o]) {
				t.Fatalf("%d is acknowledged, want %d", st.Acked(), acked[o])
			}
			ops := 0
			for _, st := range set.All() {
				ops += int(st.Sent) - acked[st.Origin]
			}
			if size := op(1, 1, 10).Footprint(); set.InFlight() != ops || set.Bytes() != ops*size {
				t.Fatalf("%d ops of %d bytes are in flight, want %d", set.InFlight(), set.Bytes(), ops)
			}
		}
	})
}

// A relayed stream is turned off when the peer has more of it than it was sent.
func TestARelayedStreamIsTurnedOffByNews(t *testing.T) {
	for _, c := range []struct {
		until wallclock.Mono
		acked logical.Seq
		on    bool
	}{{9, 3, true}, {9, 4, false}, {0, 4, true}} {
		st := Stream{Origin: 1, On: true, Until: c.until}
		var set Set
		set.Ship(&st, line(1, 1, 3), 0)
		if st.Progress(c.acked, 5); st.On != c.on || st.Since != 5 || st.Sent != c.acked {
			t.Errorf("acknowledged %d: %+v", c.acked, st)
		}
	}
}

// An op that no message can carry blocks its stream and is told once; it blocks nothing
// when the peer has it, and is told again after a new start.
func TestAnOversizedOpBlocks(t *testing.T) {
	var set Set
	set.Of(0, 0) // another that is not blocked
	st := set.Of(1, 0)
	ops := append(line(1, 1, 2), op(1, 3, 500))
	limit := op(1, 1, 499).Footprint()
	fit, found := st.Sendable(ops, limit)
	if len(fit) != 2 || !found.Dot.IsZero() || st.Blocked() {
		t.Errorf("what is before it: %d, %+v", len(fit), found)
	}
	set.Ship(st, fit, 0)
	fit, found = st.Sendable(ops[2:], limit)
	want := Oversized{Dot: ops[2].Dot, Bytes: limit + 1, Limit: limit}
	if len(fit) != 0 || found != want || !st.Blocked() || set.Oversized() != want {
		t.Errorf("found is %+v, want %+v", found, want)
	}
	if _, found = st.Sendable(ops[2:], limit); !found.Dot.IsZero() {
		t.Error("it is told twice")
	}
	st.Progress(2, 0)
	if !st.Blocked() || set.Oversized() != want {
		t.Error("what was before it arrived, and it blocks no longer")
	}
	st.Progress(3, 0)
	if st.Blocked() || !set.Oversized().Dot.IsZero() {
		t.Error("the peer got it elsewhere, and it still blocks")
	}
	if fit, found := st.Sendable(ops, limit+1); len(fit) != 3 || !found.Dot.IsZero() {
		t.Errorf("of a message that can carry it: %d, %+v", len(fit), found)
	}
}

func TestWhatIsDueAndWhatIsStalled(t *testing.T) {
	var set Set
	if set.Stalled(10, 1<<40) {
		t.Error("stalled without a stream")
	}
	st := set.Of(1, 0)
	if st.Since = 5; st.Stalled(10, 1<<40) {
		t.Error("stalled with nothing in flight")
	}
	set.Ship(st, line(1, 1, 1), 100)
	if !set.Stalled(10, 110) {
		t.Error("one op in flight is not stalled when it is due")
	}
	set.Ship(st, line(1, 2, 2), 105)
	if due, inFlight := st.Due(10); due != 110 || !inFlight || set.Stalled(10, 109) || !set.Stalled(10, 110) {
		t.Errorf("due at %d, %v", due, inFlight)
	}
	set.Rewind(logical.FrontierOf(logical.Dot{Origin: 1, Seq: 1}), 200)
	if st = set.Of(1, 0); st.Sent != 1 || st.InFlight() != 0 || !st.Lacking || st.Since != 200 || set.Stalled(10, 1<<40) {
		t.Errorf("rewound: %+v", st)
	}
}

// An op is given more time as long as it is among what is on its way and comes closer.
func TestWhatComesCloserIsGivenTime(t *testing.T) {
	const resend = 100
	var set Set
	size := op(1, 1, 10).Footprint()
	set.Ship(set.Of(1, 0), line(1, 1, 2), 0)
	set.Ship(set.Of(2, 0), line(2, 1, 1), 0)
	since := func(bytes int, now wallclock.Mono) [2]wallclock.Mono {
		set.Underway(bytes, resend, now)
		return [2]wallclock.Mono{set.Of(1, 0).Since, set.Of(2, 0).Since}
	}
	for _, c := range []struct {
		bytes int
		now   wallclock.Mono
		want  [2]wallclock.Mono
	}{
		{3 * size, 10, [2]wallclock.Mono{10, 10}},      // all of it
		{3 * size, 109, [2]wallclock.Mono{109, 109}},   // it has not moved for less than resend
		{3 * size, 110, [2]wallclock.Mono{109, 109}},   // for as long
		{3*size - 1, 111, [2]wallclock.Mono{111, 111}}, // it moved by a byte
		{2*size + 1, 112, [2]wallclock.Mono{112, 112}}, // the last byte of the first op
		{2 * size, 113, [2]wallclock.Mono{112, 113}},   // the first is gone
		{1, 114, [2]wallclock.Mono{112, 114}},          // a byte of the last
		{0, 115, [2]wallclock.Mono{112, 114}},          // nothing
		{3 * size, 1000, [2]wallclock.Mono{112, 114}},  // more than was: not closer, and long ago
	} {
		if got := since(c.bytes, c.now); got != c.want {
			t.Errorf("%d bytes at %d: %v, want %v", c.bytes, c.now, got, c.want)
		}
	}
	// What is sent again is after it, though it is of the same stream.
	set = Set{}
	set.Ship(set.Of(1, 0), line(1, 1, 1), 0)
	set.ShipAgain(line(1, 1, 1))
	if got := since(size, 50)[0]; got != 0 {
		t.Errorf("the first copy is gone; since is %d", got)
	}
	if got := since(2*size, 50)[0]; got != 50 {
		t.Errorf("both are on their way; since is %d", got)
	}
	// Progress, and what goes out again, are measured anew.
	set.Of(1, 0).Progress(1, 60)
	set.Ship(set.Of(1, 0), line(1, 2, 2), 60)
	if got := since(3*size, 900)[0]; got != 900 {
		t.Errorf("after progress: %d", got)
	}
	set.Of(1, 0).Restart(1)
	set.Ship(set.Of(1, 0), line(1, 2, 2), 901)
	if got := since(4*size, 1800)[0]; got != 1800 {
		t.Errorf("after a new start: %d", got)
	}
	set.Of(1, 0).Restart(1)
	if got := since(9*size, 1900)[0]; got != 1800 {
		t.Errorf("with nothing in flight: %d", got)
	}
}

// taken drives a merge of the set over logs to its end, n ops and so many bytes at once.
func taken(set *Set, logs map[logical.Origin][]*resolve.Op, n, bytes int) (batches []string) {
	var m Merge
	m.Start(set)
	for {
		for st := m.Hungry(); st != nil; st = m.Hungry() {
			if st.Origin == 6 { // found to be blocked as it is read
				st.blocked.Dot = logical.Dot{Origin: 6, Seq: 1}
				m.Feed(st, nil)
				continue
			}
			m.Feed(st, logs[st.Origin][st.Sent:min(int(st.Sent)+2, len(logs[st.Origin]))])
		}
		if !m.More() {
			return batches
		}
		if !m.Single() {
			next := m.Next()
			if got := m.Take(1, bytes, 0); len(got) != 1 || got[0] != next {
				return append(batches, "not the next")
			}
			batches = append(batches, fmt.Sprintf("%d-%d", next.Dot.Origin, next.Dot.Seq))
			continue
		}
		text := ""
		for _, op := range m.Take(n, bytes, 0) {
			text += fmt.Sprintf("%d-%d ", op.Dot.Origin, op.Dot.Seq)
		}
		batches = append(batches, text)
	}
}

// Ops of several origins come in the order of their stamps, of one in their own, and
// what is off, at its end or blocked does not come.
func TestStreamsAreMergedByTheirStamps(t *testing.T) {
	logs := map[logical.Origin][]*resolve.Op{1: line(1, 1, 4), 2: line(2, 1, 3), 3: line(3, 1, 3), 4: line(4, 1, 2), 5: line(5, 1, 2), 6: line(6, 1, 2), 7: line(7, 1, 1)}
	var set Set
	for o, log := range logs {
		st := set.Of(o, 0)
		st.Last, st.On = logical.Seq(len(log)), o != 3
	}
	set.Of(4, 0).Restart(2)
	set.Of(5, 0).blocked.Dot = logical.Dot{Origin: 5, Seq: 1}
	logs[2][0].Lamport, logs[2][1].Lamport, logs[2][2].Lamport = 2, 2, 9
	logs[7][0].Lamport = 8
	want := []string{"1-1", "1-2", "2-1", "2-2", "1-3", "1-4", "7-1", "2-3 "}
	if got := taken(&set, logs, 5, 1<<20); !slices.Equal(got, want) {
		t.Errorf("taken are %q, want %q", got, want)
	}
	if set.InFlight() != 8 {
		t.Errorf("%d are in flight", set.InFlight())
	}
}

// One stream goes in batches inside both bounds, one op at least.
func TestBatchesOfOneStream(t *testing.T) {
	size := op(1, 1, 10).Size()
	for _, c := range []struct {
		n, bytes int
		want     []string
	}{
		{1, 1 << 20, []string{"1-1 ", "1-2 ", "1-3 "}},
		{9, 1 << 20, []string{"1-1 1-2 ", "1-3 "}}, // as they are read
		{9, 2 * size, []string{"1-1 1-2 ", "1-3 "}},
		{9, 2*size - 1, []string{"1-1 ", "1-2 ", "1-3 "}},
		{9, 1, []string{"1-1 ", "1-2 ", "1-3 "}},
	} {
		var set Set
		st := set.Of(1, 0)
		st.Last, st.On = 3, true
		if got := taken(&set, map[logical.Origin][]*resolve.Op{1: line(1, 1, 3)}, c.n, c.bytes); !slices.Equal(got, c.want) {
			t.Errorf("%d ops, %d bytes: %q", c.n, c.bytes, got)
		}
	}
}

func TestHowLongBytesMayTake(t *testing.T) {
	for bytes, want := range map[int]time.Duration{
		0: 0, lightBytes: 0, lightBytes + 8: 953, lightBytes + slowRate: time.Second,
		lightBytes + 15*slowRate: 15 * time.Second, lightBytes + 16*slowRate: 15 * time.Second,
	} {
		if got := Transit(bytes); got != want {
			t.Errorf("%d bytes: %s, want %s", bytes, got, want)
		}
	}
}

// Only large ops count; they drain at the slowest rate, and no more is waited for than
// the longest time.
func TestTheBacklogDrains(t *testing.T) {
	var b Backlog
	if b.Add(lightBytes-1, 0); b.left(0) != 0 {
		t.Errorf("a light op: %d", b.left(0))
	}
	if b.Add(lightBytes, 0); b.left(0) != lightBytes {
		t.Errorf("a large one: %d", b.left(0))
	}
	b = Backlog{}
	b.Add(2*slowRate, 0)
	half := wallclock.Mono(time.Second / 2)
	perByte := int(time.Second / slowRate)
	if got, want := b.left(half), 2*slowRate-int(half)/perByte; got != want {
		t.Errorf("after half a second %d are left, want %d", got, want)
	}
	b.Add(slowRate, half)
	if got, want := b.left(half), 3*slowRate-int(half)/perByte; got != want {
		t.Errorf("with another %d are left, want %d", got, want)
	}
	for _, after := range []time.Duration{10 * time.Second, time.Hour} {
		if got := b.left(half.Add(after)); got != 0 {
			t.Errorf("after %s %d are left", after, got)
		}
	}
	b.Add(100*slowRate, 0)
	if got := b.Transit(0); got != Transit(15*slowRate) {
		t.Errorf("a hundred seconds' worth may take %s", got)
	}
	b = Backlog{}
	b.Add(16*slowRate, 0)
	if got, want := b.left(wallclock.Mono(time.Second)), 15*slowRate-int(time.Second)/perByte; got != want {
		t.Errorf("a second later %d are left, want %d", got, want)
	}
}
