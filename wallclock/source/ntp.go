package source

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/beevik/ntp"

	"kvd/wallclock"
)

// maxServers bounds how many servers are asked at a time.
const maxServers = 16

// ntpEvery is how often servers are asked: no more often than RFC 5905 lets a client that
// was not asked for more (section 7.3, the minimum poll of 64 s is four times as rare, and
// that of chronyd the same).
const ntpEvery = 64 * time.Second

// NTP is servers that are asked by ourselves; each is a host, or a host and a port.
func NTP(servers []string) Source { return ntpServers{servers, ntpEvery} }

type ntpServers struct {
	servers []string
	every   time.Duration
}

func (n ntpServers) Name() string         { return "ntp:" + strings.Join(n.servers, ",") }
func (n ntpServers) Every() time.Duration { return n.every }

// heard is what one server said.
type heard struct {
	server string
	bound  wallclock.Bound
	err    error
}

func (n ntpServers) Sample(ctx context.Context, clock Clock) (Answer, error) {
	all := make([]heard, len(n.servers))
	var asking sync.WaitGroup
	for i, server := range n.servers {
		asking.Go(func() {
			all[i] = heard{server: server}
			all[i].bound, all[i].err = askNTP(server, clock)
		})
	}
	asking.Wait()
	if ctx.Err() != nil {
		return Answer{}, ctx.Err()
	}
	return judgeServers(all, clock())
}

// askNTP asks one server. The moment is that of the question, and time goes on by the
// stopwatch until the answer.
func askNTP(server string, clock Clock) (wallclock.Bound, error) {
	at := clock()
	now := func() time.Time {
		return at.Wall.Midpoint().Add(clock().Mono.Sub(at.Mono)).Time()
	}
	r, err := ntp.QueryWithOptions(server, ntp.QueryOptions{Timeout: askTimeout, GetSystemTime: now})
	if err != nil {
		return wallclock.Bound{}, err
	}
	return judgeNTP(r, at)
}

func judgeNTP(r *ntp.Response, at wallclock.Moment) (wallclock.Bound, error) {
	if r.IsKissOfDeath() {
		return wallclock.Bound{}, fmt.Errorf("it refuses to be asked (%s)", r.KissCode)
	}
	if err := r.Validate(); err != nil {
		return wallclock.Bound{}, err
	}
	if r.RTT < 0 || r.RootDelay < 0 || r.RootDispersion < 0 {
		return wallclock.Bound{}, fmt.Errorf("a round trip of %s, a root delay of %s and a root dispersion of %s cannot be", r.RTT, r.RootDelay, r.RootDispersion)
	}
	most := r.RTT/2 + r.RootDelay/2 + r.RootDispersion + max(r.Precision, 0)
	if err := sane(most); err != nil {
		return wallclock.Bound{}, err
	}
	b := within(most, at)
	b.Ahead.Earliest += r.ClockOffset
	b.Ahead.Latest += r.ClockOffset
	return b, nil
}

// judgeServers is what a majority of the servers say, as of one moment.
func judgeServers(all []heard, at wallclock.Moment) (Answer, error) {
	var said []wallclock.Offset
	var from, wrong []string
	var failed []string
	for _, h := range all {
		if h.err != nil {
			failed = append(failed, h.server+": "+h.err.Error())
			continue
		}
		said, from = append(said, moved(h.bound, at)), append(from, h.server)
	}
	common, outside, ok := wallclock.Agree(said, len(all))
	if !ok && len(said) <= len(all)/2 {
		return Answer{}, fmt.Errorf("%d of %d NTP servers answer, and a majority must: %s", len(said), len(all), strings.Join(failed, "; "))
	}
	if !ok {
		return Answer{}, fmt.Errorf("%d of %d NTP servers answer, and no majority agrees: one more server would show who is wrong", len(said), len(all))
	}
	for _, i := range outside {
		wrong = append(wrong, fmt.Sprintf("%s (%s)", from[i], said[i].Midpoint()))
	}
	reason := fmt.Sprintf("%d of %d servers agree: the clock is %s", len(said)-len(wrong), len(all), behind(common.Midpoint()))
	if len(wrong) > 0 {
		reason += "; wrong: " + strings.Join(wrong, ", ")
	}
	return Answer{wallclock.Bound{Ahead: common, At: at}, reason}, nil
}

// moved is how far true time is ahead of the calendar clock at another moment, when it was
// known at that of the bound: the clock may have been set since, and the stopwatch drifts.
func moved(b wallclock.Bound, to wallclock.Moment) wallclock.Offset {
	e, _ := wallclock.Estimate{}.Hear(b)
	v, _ := e.At(to.Mono)
	shows := to.Wall.Midpoint()
	return wallclock.Offset{Earliest: v.Earliest.Sub(shows), Latest: v.Latest.Sub(shows)}
}

func behind(ahead time.Duration) string {
	switch {
	case ahead > 0:
		return ahead.String() + " behind"
	case ahead < 0:
		return (-ahead).String() + " ahead"
	}
	return "right"
}
