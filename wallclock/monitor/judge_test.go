package monitor_test

import (
	"slices"
	"testing"
	"time"

	"kvd/wallclock"
	"kvd/wallclock/monitor"
)

const ms = time.Millisecond

// clock is a member whose clock is ahead of ours by so much, give or take half a millisecond.
func clock(name string, ahead, claims time.Duration) monitor.Clock {
	return monitor.Clock{Member: name, Offset: wallclock.Offset{Earliest: ahead - ms/2, Latest: ahead + ms/2}, Truth: wallclock.Offset{Earliest: ahead - ms/2 - claims, Latest: ahead + ms/2 + claims}, Claims: claims}
}

func TestVerdicts(t *testing.T) {
	for name, c := range map[string]struct {
		others  []monitor.Clock
		members int
		state   monitor.State
		wrong   []string
		outside time.Duration // of our own
	}{
		"alone":                      {nil, 1, monitor.Agreed, nil, 0},
		"nobody said how many":       {nil, 0, monitor.Agreed, nil, 0},
		"all agree":                  {[]monitor.Clock{clock("b", ms, ms), clock("c", -ms, ms)}, 3, monitor.Agreed, nil, 0},
		"one other is wrong":         {[]monitor.Clock{clock("c", 5*time.Second, ms), clock("b", 0, ms)}, 3, monitor.Agreed, []string{"c"}, 0},
		"we are wrong":               {[]monitor.Clock{clock("b", -5*time.Second, ms), clock("c", -5*time.Second, ms)}, 3, monitor.Agreed, []string{"a"}, 5*time.Second - 5*ms/2},
		"we are behind":              {[]monitor.Clock{clock("b", time.Second, ms), clock("c", time.Second, ms)}, 3, monitor.Agreed, []string{"a"}, -time.Second + 5*ms/2},
		"a wide claim is not false":  {[]monitor.Clock{clock("b", 0, ms), clock("c", time.Hour, 2*time.Hour)}, 3, monitor.Agreed, nil, 0},
		"two contradict":             {[]monitor.Clock{clock("b", time.Second, ms)}, 2, monitor.Split, nil, 0},
		"three contradict":           {[]monitor.Clock{clock("b", time.Second, ms), clock("c", 2*time.Second, ms)}, 3, monitor.Split, nil, 0},
		"two of five, with one more": {[]monitor.Clock{clock("b", time.Second, ms)}, 5, monitor.TooFew, nil, 0},
		"two liars of five are cut off with one": {
			[]monitor.Clock{clock("b", time.Second, ms), clock("c", time.Second, ms)}, 5, monitor.Split, nil, 0},
		"two of five are wrong": {
			[]monitor.Clock{clock("b", time.Second, ms), clock("e", 0, ms), clock("d", 0, ms), clock("c", time.Second, ms)}, 5, monitor.Agreed, []string{"b", "c"}, 0},
	} {
		v := monitor.Judge("a", ms, c.others, c.members)
		if v.State != c.state || !slices.Equal(v.Wrong(), c.wrong) || v.Own.Outside != c.outside {
			t.Errorf("%s: %s, wrong %v, we are outside by %s; want %s, %v, %s", name, v.State, v.Wrong(), v.Own.Outside, c.state, c.wrong, c.outside)
		}
	}
}

func TestWhereClocksStand(t *testing.T) {
	v := monitor.Judge("a", ms, []monitor.Clock{clock("c", 5*ms, ms), clock("b", -3*ms, ms)}, 3)
	if v.Min != -3*ms || v.Median != 0 || v.Max != 5*ms || v.Heard != 3 || v.Others[0].Member != "b" {
		t.Errorf("%+v", v)
	}
}

// says plays verdicts on our own clock, one each 100 ms: '.' within, '!' outside, '?'
// nothing is decided; and lists at which of them it was in quarantine.
func says(verdicts string) string {
	var g monitor.Guard
	held := []byte{}
	for i, c := range verdicts {
		v := monitor.Verdict{State: monitor.Agreed}
		switch c {
		case '!':
			v.Own.Outside = time.Second
		case '?':
			v.State = monitor.TooFew
		}
		g = g.Observe(&v, wallclock.Mono(time.Duration(i)*100*ms))
		held = append(held, map[bool]byte{true: 'Q', false: '-'}[g.Quarantined()])
	}
	return string(held)
}

func TestQuarantine(t *testing.T) {
	repeat := func(s string, n int) string { return string(slices.Repeat([]byte(s), n)) }
	for name, c := range map[string]struct{ verdicts, held string }{
		"a moment outside is a warning":      {".!!!!!!!!!" + repeat(".", 20), repeat("-", 30)},
		"a second outside is quarantine":     {"." + repeat("!", 12), repeat("-", 10) + "QQQ"},
		"it comes back":                      {"." + repeat("!", 10) + repeat(".", 32), repeat("-", 10) + repeat("Q", 30) + "---"},
		"only without a break":               {"." + repeat("!", 10) + repeat(".", 25) + "!" + repeat(".", 31), repeat("-", 10) + repeat("Q", 1+25+30) + "--"},
		"nothing decided changes nothing":    {"." + repeat("!", 10) + repeat("?", 60), repeat("-", 10) + repeat("Q", 61)},
		"and gives nobody back":              {"." + repeat("!", 10) + repeat(".", 20) + "?" + repeat(".", 20), repeat("-", 10) + repeat("Q", 1+20+1+20)},
		"nor puts anybody in":                {"!" + repeat("?", 60), repeat("-", 61)},
		"a clock that jumps to and fro goes": {repeat("!.", 45), repeat("-", 38) + repeat("Q", 52)},
	} {
		if got := says(c.verdicts); got != c.held {
			t.Errorf("%s:\n%s\n%s, want\n%s", name, c.verdicts, got, c.held)
		}
	}
}

// Who stood still has not watched its clock meanwhile.
func TestAGapDoesNotCount(t *testing.T) {
	var g monitor.Guard
	out := monitor.Verdict{State: monitor.Agreed}
	out.Own.Outside = -time.Second
	for _, at := range []time.Duration{0, time.Hour} {
		g = g.Observe(&out, wallclock.Mono(at))
	}
	if g.Quarantined() || !g.Suspected() || g.Worst() != -time.Second {
		t.Errorf("%+v", g)
	}
}
