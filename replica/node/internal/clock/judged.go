package clock

import (
	"time"

	"kvd/replica"
	"kvd/replica/console"
	"kvd/wallclock"
	"kvd/wallclock/monitor"
)

// Judged is what a leader makes of all clocks, for people, under the quarantine of that
// name; nil: nothing yet.
func Judged(c replica.ClockState, quarantine string) *console.Judged {
	v := c.Verdict
	if v == nil {
		return nil
	}
	j := &console.Judged{
		State: v.State.String(), Members: v.Members, Heard: v.Heard, Quorum: monitor.Quorum(v.Members), Quarantine: quarantine,
		Suspected: c.Guard.Suspected(), Quarantined: c.Guard.Quarantined(),
		Min: v.Min.Seconds(), Median: v.Median.Seconds(), Max: v.Max.Seconds(),
		Clocks: []console.JudgedClock{judged(&v.Own)},
	}
	if v.State == monitor.Agreed {
		j.Majority = offset(v.Majority)
	}
	for i := range v.Others {
		j.Clocks = append(j.Clocks, judged(&v.Others[i]))
	}
	return j
}

func judged(m *monitor.Member) console.JudgedClock {
	return console.JudgedClock{Name: m.Member, Outside: m.Outside.Seconds(), Claims: m.Claims.Seconds(), Offset: *offset(m.Offset)}
}

func offset(o wallclock.Offset) *console.Offset {
	return &console.Offset{Earliest: o.Earliest.Seconds(), Latest: o.Latest.Seconds()}
}

// offsetTimeout is how long a peer's offset is reported after it was last heard.
const offsetTimeout = 30 * time.Second

// OffsetOf is the offset of the peer's clock from ours; nil: it is not known, or
// was not heard for too long.
func OffsetOf(p *replica.PeerView, m wallclock.Moment) *console.Offset {
	o, known := p.Offset(m)
	heard, _ := p.Clock.Heard()
	if !known || m.Mono.Sub(heard) > offsetTimeout {
		return nil
	}
	return offset(o)
}
