package source

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"kvd/wallclock"
)

// The pages that the ClockBound daemon writes: the second layout, then the first.
const (
	clockBoundPage = "/var/run/clockbound/shm0"
	clockBoundOld  = "/var/run/clockbound/shm"
)

// ClockBound is the page that AWS's ClockBound daemon writes; empty: where it writes it by
// default.
func ClockBound(file string) Source {
	if file != "" {
		return clockBound{[]string{file}, "clockbound:" + file, monotonic}
	}
	return clockBound{[]string{clockBoundPage, clockBoundOld}, "clockbound", monotonic}
}

type clockBound struct {
	files []string
	name  string
	mono  func() (time.Duration, error) // the clock that the page counts by
}

func (c clockBound) Name() string       { return c.name }
func (clockBound) Every() time.Duration { return time.Second }

func (c clockBound) Sample(_ context.Context, clock Clock) (Answer, error) {
	for _, file := range c.files {
		page, err := readPage(file)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return Answer{}, fmt.Errorf("%s: %w", file, err)
		}
		at := clock()
		now, err := c.mono() // after the moment: what has passed until here counts
		if err != nil {
			return Answer{}, err
		}
		a, err := page.judge(now, at)
		if err != nil {
			err = fmt.Errorf("%s: %w", file, err)
		}
		return a, err
	}
	return Answer{}, fmt.Errorf("no ClockBound daemon writes %s", c.files[0])
}

// pageMagic begins every page, in the byte order of the machine.
var pageMagic = binary.NativeEndian.AppendUint32(binary.NativeEndian.AppendUint32(nil, 0x414D5A4E), 0x43420200)

// Sizes of the layouts 1 and 2 (clock-bound, docs/PROTOCOL.md).
const (
	pageHead = 16
	pageOne  = 72
	pageTwo  = 80
)

// boundPage is what a page says.
type boundPage struct {
	asOf, voidAfter time.Duration // by CLOCK_MONOTONIC_COARSE
	bound           time.Duration
	driftPPB        uint32
	status          int32
}

// readPage reads a page that is not being written. The generation is odd while it is, and
// changes when it was: the page is read again then.
func readPage(file string) (boundPage, error) {
	for range 100 {
		before, err := os.ReadFile(file)
		if err != nil {
			return boundPage{}, err
		}
		after, err := os.ReadFile(file)
		if err != nil {
			return boundPage{}, err
		}
		if len(before) < pageHead || generation(before)%2 == 0 && generation(before) != 0 && bytes.Equal(before, after) {
			return decodePage(before)
		}
	}
	return boundPage{}, errors.New("the page is being written each time it is read, or was never written")
}

func generation(page []byte) uint16 { return binary.NativeEndian.Uint16(page[14:]) }

func decodePage(b []byte) (p boundPage, err error) {
	if len(b) < pageHead || !bytes.Equal(b[:len(pageMagic)], pageMagic) {
		return p, errors.New("this is no page of ClockBound")
	}
	size, version := binary.NativeEndian.Uint32(b[8:]), binary.NativeEndian.Uint16(b[12:])
	need := map[uint16]int{1: pageOne, 2: pageTwo}[version]
	switch {
	case need == 0:
		return p, fmt.Errorf("layout %d is not known here; ClockBound writes the second one to %s", version, clockBoundPage)
	case int(size) < need || len(b) < need:
		return p, fmt.Errorf("a page of layout %d has %d bytes; this one has %d, and says %d", version, need, len(b), size)
	}
	if p.asOf, err = timespec(b[16:]); err != nil {
		return p, err
	}
	if p.voidAfter, err = timespec(b[32:]); err != nil {
		return p, err
	}
	p.bound = time.Duration(binary.NativeEndian.Uint64(b[48:]))
	rest := b[56:]
	if version == 2 {
		rest = b[64:] // the disruption marker stands before
	}
	p.driftPPB = binary.NativeEndian.Uint32(rest)
	p.status = int32(binary.NativeEndian.Uint32(rest[4:]))
	if version == 1 {
		p.status = int32(binary.NativeEndian.Uint32(rest[8:])) // something reserved stands before
	}
	return p, nil
}

// maxUptime is three centuries in seconds, nearly what a duration holds.
const maxUptime = 9_000_000_000

// timespec is the seconds and nanoseconds of C, of a clock that began with the machine.
func timespec(b []byte) (time.Duration, error) {
	s, ns := int64(binary.NativeEndian.Uint64(b)), int64(binary.NativeEndian.Uint64(b[8:]))
	if s < 0 || s > maxUptime || ns < 0 || ns >= int64(time.Second) {
		return 0, fmt.Errorf("%d seconds and %d nanoseconds are no time", s, ns)
	}
	return time.Duration(s)*time.Second + time.Duration(ns), nil
}

// Statuses of a page.
const (
	pageSynchronised = 1
	pageFreeRunning  = 2
)

// coarse is how far CLOCK_MONOTONIC_COARSE may be behind CLOCK_MONOTONIC: a tick, of ten
// milliseconds at most.
const coarse = 10 * time.Millisecond

func (p boundPage) judge(now time.Duration, at wallclock.Moment) (Answer, error) {
	switch {
	case p.status != pageSynchronised && p.status != pageFreeRunning:
		return Answer{}, fmt.Errorf("ClockBound does not know how right the clock is (status %d); look at its log", p.status)
	case now > p.voidAfter:
		return Answer{}, fmt.Errorf("what ClockBound wrote is void since %s; is its daemon running?", (now - p.voidAfter).Round(time.Second))
	case p.asOf > now+coarse:
		return Answer{}, errors.New("the page is of a moment that is still to come: another boot of this machine wrote it")
	case p.voidAfter < p.asOf || p.voidAfter-p.asOf > maxPageAge:
		return Answer{}, fmt.Errorf("a page that is valid for %s is none", p.voidAfter-p.asOf)
	}
	age := now - p.asOf + coarse
	drift := seconds(age.Seconds()*float64(p.driftPPB)/1e9) + 1 // rounded up
	if err := sane(p.bound); err != nil {                       // alone first: the sum could overflow
		return Answer{}, err
	}
	if err := sane(p.bound + drift); err != nil {
		return Answer{}, err
	}
	return Answer{within(p.bound+drift, at), fmt.Sprintf("bound %s, and %s of drift since %s ago", p.bound, drift, age.Round(time.Millisecond))}, nil
}

// maxPageAge is more than any daemon lets its bound be used.
const maxPageAge = 24 * time.Hour
