package node

import (
	"errors"
	"strings"
	"time"

	"kvd/wallclock"
)

// readStrobe reads AMPLITUDE/PERIOD, or off.
func readStrobe(text string) (wallclock.Strobe, error) {
	if text == "off" {
		return wallclock.Strobe{}, nil
	}
	amplitude, period, ok := strings.Cut(text, "/")
	if !ok {
		return wallclock.Strobe{}, errors.New("say amplitude/period, as in 1s/200ms, or off")
	}
	a, err := positive(amplitude)
	if err != nil {
		return wallclock.Strobe{}, err
	}
	p, err := time.ParseDuration(period)
	if err == nil && p <= 0 {
		err = errors.New("a period is above zero")
	}
	return wallclock.Strobe{Amplitude: a, Period: p}, err
}
