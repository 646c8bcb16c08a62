package source

import (
	"errors"
	"math"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"kvd/wallclock"
)

func TestTheKernel(t *testing.T) {
	says := func(state int, x unix.Timex) (Answer, error) {
		k := kernel{10 * time.Millisecond, func(to *unix.Timex) (int, error) { *to = x; return state, nil }}
		return k.Sample(t.Context(), func() wallclock.Moment { return wallclock.Moment{} })
	}
	for maxError, want := range map[int64]time.Duration{
		0:          10 * time.Millisecond, // timesyncd writes this with each correction, and it is no bound
		2_500:      12500 * time.Microsecond,
		15_980_000: 15_990 * time.Millisecond,
	} {
		a, err := says(unix.TIME_OK, unix.Timex{Maxerror: maxError})
		if err != nil || a.Ahead != (wallclock.Offset{Earliest: -want, Latest: want}) {
			t.Errorf("%d µs: %+v, %v", maxError, a, err)
		}
	}
	for name, c := range map[string]struct {
		state int
		x     unix.Timex
	}{
		"error": {unix.TIME_ERROR, unix.Timex{Maxerror: 1}}, "unsynchronised": {unix.TIME_OK, unix.Timex{Maxerror: 3000, Status: unix.STA_UNSYNC}},
		"the cap": {unix.TIME_OK, unix.Timex{Maxerror: 16_000_000}}, "negative": {unix.TIME_OK, unix.Timex{Maxerror: -1}}, "overflow": {unix.TIME_OK, unix.Timex{Maxerror: math.MaxInt64}},
	} {
		if a, err := says(c.state, c.x); err == nil {
			t.Errorf("%s: %+v", name, a)
		}
	}
	k := kernel{0, func(*unix.Timex) (int, error) { return 0, errors.New("not permitted") }}
	if _, err := k.Sample(t.Context(), func() wallclock.Moment { return wallclock.Moment{} }); err == nil {
		t.Error("a call that fails is an answer")
	}
	if a, err := Kernel(0).Sample(t.Context(), wallclock.NewSystem(0).Now); err == nil && a.Ahead.Latest <= 0 {
		t.Errorf("this machine's kernel says %+v", a)
	}
}
