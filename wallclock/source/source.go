package source

import (
	"context"
	"fmt"
	"net"
	"strings"
	"time"

	"kvd/wallclock"
)

// Clock reads a machine's own clocks; what the reading claims counts for nothing.
type Clock func() wallclock.Moment

// Source is somebody who knows how right this machine's calendar clock is.
type Source interface {
	// Name is how the source is called in what people read: "ntp:ntp.example.org".
	Name() string
	// Every is how often it may be asked.
	Every() time.Duration
	// Sample asks it. An error says why it cannot answer, and what to do about it.
	Sample(ctx context.Context, clock Clock) (Answer, error)
}

// Answer is a source's bound, and where that comes from.
type Answer struct {
	wallclock.Bound
	Reason string // a few words with the numbers: "max error 2.1ms, 3 of 4 servers agree"
}

// Kinds is what [Parse] takes.
const Kinds = "auto, kernel, ntp:HOST[,HOST…], chrony[:HOST:PORT], clockbound[:FILE], claim"

// Parse reads how a clock is to be judged: by one of [Kinds]. Auto is clockbound, chrony
// and kernel, the first that answers. Claim is nobody: what is claimed is believed. floor is
// added to what the kernel says.
func Parse(text string, floor time.Duration) ([]Source, error) {
	kind, rest, given := strings.Cut(text, ":")
	switch {
	case text == "auto":
		return []Source{ClockBound(""), Chrony(""), Kernel(floor)}, nil
	case text == "claim":
		return nil, nil
	case text == "kernel":
		return []Source{Kernel(floor)}, nil
	case kind == "ntp" && rest != "":
		servers := strings.Split(rest, ",")
		for i, s := range servers {
			if s = strings.TrimSpace(s); s == "" || strings.ContainsAny(s, " /@") {
				return nil, fmt.Errorf("%.64q is no name of an NTP server; give them as ntp:HOST,HOST,HOST", s)
			}
			servers[i] = s
		}
		if len(servers) > maxServers {
			return nil, fmt.Errorf("%d NTP servers; at most %d are asked, and four are enough to find one that is wrong", len(servers), maxServers)
		}
		return []Source{NTP(servers)}, nil
	case kind == "chrony" && (!given || rest != ""):
		if _, _, err := net.SplitHostPort(rest); given && err != nil {
			return nil, fmt.Errorf("%.64q is no address of chronyd; give it as chrony:HOST:PORT, or chrony for %s", rest, chronyAddress)
		}
		return []Source{Chrony(rest)}, nil
	case kind == "clockbound" && (!given || rest != ""):
		return []Source{ClockBound(rest)}, nil
	}
	return nil, fmt.Errorf("%.64q is no source of time; choose one of %s", text, Kinds)
}

// within is the bound of a clock that shows true time give or take err.
func within(err time.Duration, at wallclock.Moment) wallclock.Bound {
	return wallclock.Bound{At: at, Ahead: wallclock.Offset{Earliest: -err, Latest: err}}
}

// maxError is the error beyond which a source knows nothing: the kernel's own limit.
const maxError = 16 * time.Second

// sane refuses bounds that say nothing, and what a source made of garbage.
func sane(err time.Duration) error {
	switch {
	case err < 0:
		return fmt.Errorf("it says that the clock is wrong by less than nothing (%s)", err)
	case err >= maxError:
		return fmt.Errorf("it knows nothing narrower than ±%s", err.Round(time.Millisecond))
	}
	return nil
}

// seconds is a number of seconds that somebody else computed, as a duration that cannot
// overflow; what is no number is beyond every bound.
func seconds(s float64) time.Duration {
	const most = 1e6
	switch {
	case s != s || s > most:
		return most * time.Second
	case s < -most:
		return -most * time.Second
	}
	return time.Duration(s * float64(time.Second))
}
