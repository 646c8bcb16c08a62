package source

import (
	"context"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sys/unix"

	"kvd/wallclock"
)

// Kernel is what adjtimex(2) says of the calendar clock. floor is added to its error.
func Kernel(floor time.Duration) Source { return kernel{floor, unix.Adjtimex} }

type kernel struct {
	floor time.Duration
	read  func(*unix.Timex) (int, error)
}

func (kernel) Name() string         { return "kernel" }
func (kernel) Every() time.Duration { return time.Second }

func (k kernel) Sample(_ context.Context, clock Clock) (Answer, error) {
	var x unix.Timex // modes is zero: nothing is adjusted
	at := clock()
	state, err := k.read(&x)
	if err != nil {
		return Answer{}, fmt.Errorf("adjtimex: %w", err)
	}
	return k.judge(state, &x, at)
}

func (k kernel) judge(state int, x *unix.Timex, at wallclock.Moment) (Answer, error) {
	if state == unix.TIME_ERROR || x.Status&unix.STA_UNSYNC != 0 {
		return Answer{}, errors.New("nobody disciplines the kernel's clock (STA_UNSYNC); start an NTP daemon, for chronyd with rtcsync")
	}
	if x.Maxerror < 0 || x.Maxerror > int64(maxError/time.Microsecond) {
		return Answer{}, fmt.Errorf("a maximum error of %d µs is none", x.Maxerror)
	}
	most := time.Duration(x.Maxerror) * time.Microsecond
	if err := sane(most + k.floor); err != nil {
		return Answer{}, err
	}
	return Answer{within(most+k.floor, at), fmt.Sprintf("max error %s, and %s that nobody measures", most, k.floor)}, nil
}
