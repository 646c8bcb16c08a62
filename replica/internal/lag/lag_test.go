package lag

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"kvd/logical"
	"kvd/wallclock"
)

func upTo(seq int) logical.Frontier {
	if seq == 0 {
		return logical.Frontier{}
	}
	return logical.FrontierOf(logical.Dot{Origin: 7, Seq: logical.Seq(seq)})
}

// applies notes an op, the seq-th, and makes a mark when one is due.
func (m *Marks) applies(now wallclock.Mono, seq, known int) {
	m.Grew(now)
	if m.Due(now) {
		m.Mark(now, upTo(seq), func(f logical.Frontier) bool { return !upTo(known).Includes(f) })
	}
}

// The age is never told as less than it is, and as more only by a part of it and the
// time between two marks, whenever ops come and whatever peers have.
func TestAgesAreToldToAPartOfThemselves(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var m Marks
		var now wallclock.Mono
		var at []wallclock.Mono
		known, longest := 0, time.Duration(0)
		gap := rapid.SampledFrom([]time.Duration{time.Millisecond, 7 * time.Millisecond, 11 * time.Millisecond, time.Second})
		for range rapid.IntRange(1, 40).Draw(t, "bursts") {
			by := gap.Draw(t, "gap")
			longest = max(longest, by)
			for range rapid.IntRange(1, 200).Draw(t, "ops") {
				now = now.Add(by)
				at = append(at, now)
				m.applies(now, len(at), known)
				if len(m.marks) > maxMarks {
					t.Fatalf("%d marks", len(m.marks))
				}
			}
			known = rapid.IntRange(known, len(at)).Draw(t, "known to all")
			if known == len(at) {
				continue
			}
			ahead := rapid.IntRange(known, len(at)-1).Draw(t, "known to one")
			truth := now.Sub(at[ahead])
			if told := now.Sub(m.Since(upTo(ahead))); told < truth || told > truth+truth*2/5+every+longest {
				t.Fatalf("the oldest op beyond %d of %d is %s old; told are %s", ahead, len(at), truth, told)
			}
		}
	})
}

// A mark is made when something was applied and the last is old enough, to the
// nanosecond, and of what was applied since the first op counts.
func TestWhenMarksAreMade(t *testing.T) {
	var m Marks
	if m.Due(5) {
		t.Error("nothing was applied")
	}
	m.applies(5, 1, 0)
	m.Grew(8)
	m.Grew(9)
	if end := wallclock.Mono(5).Add(every); m.Due(end-1) || !m.Due(end) {
		t.Error("the second is not due when the first is old enough")
	}
	if got := m.Since(upTo(1)); got != 8 {
		t.Errorf("the second op was applied at 8, not %d", got)
	}
	m.applies(wallclock.Mono(5).Add(every), 3, 0)
	if m.Due(wallclock.Mono(time.Hour)) {
		t.Error("nothing was applied since the second")
	}
	if got := m.Since(upTo(0)); got != 5 {
		t.Errorf("the first op was applied at 5, not %d", got)
	}
}

// As many marks are kept as may be, the last among them; the one that is let go is the
// one that makes the smallest difference, and the one after it answers for it.
func TestWhichMarkIsLetGo(t *testing.T) {
	var m Marks
	at := func(i int) wallclock.Mono { return wallclock.Mono(time.Duration(i) * time.Second) }
	for i := 1; i <= maxMarks; i++ {
		m.applies(at(i), i, 0)
	}
	if len(m.marks) != maxMarks || m.marks[0].since != at(1) {
		t.Fatalf("%d marks from %d on", len(m.marks), m.marks[0].since)
	}
	m.applies(at(maxMarks+1), maxMarks+1, 0)
	if len(m.marks) != maxMarks || m.marks[0].since != at(1) || m.marks[0].frontier.At(7) != 2 || m.Since(upTo(1)) != at(1) || m.Since(upTo(2)) != at(3) {
		t.Errorf("equally far apart the oldest is let go: %+v", m.marks[:3])
	}
	m = Marks{marks: []mark{{upTo(1), 0}, {upTo(2), at(60)}, {upTo(3), at(100)}, {upTo(4), at(101)}, {upTo(5), at(102)}}}
	if got := m.coarsest(at(1000)); got != 2 {
		t.Errorf("let go is the mark %d, want the one between two that are close together", got)
	}
	m.marks = m.marks[:4]
	if got := m.coarsest(at(110)); got != 1 {
		t.Errorf("let go is the mark %d, want 1: the last but one has none after it", got)
	}
}

// What every peer has needs no mark.
func TestMarksThatNobodyLacksAreDropped(t *testing.T) {
	var m Marks
	for i := range 5 {
		m.applies(wallclock.Mono(time.Duration(i)*time.Second), i+1, 3)
	}
	if len(m.marks) != 2 || m.marks[0].frontier.At(7) != 4 {
		t.Errorf("%d marks, the first at %s", len(m.marks), m.marks[0].frontier)
	}
	if m.applies(wallclock.Mono(time.Hour), 6, 5); len(m.marks) != 1 || m.marks[0].frontier.At(7) != 6 {
		t.Errorf("%d marks where all before the last are known", len(m.marks))
	}
}
