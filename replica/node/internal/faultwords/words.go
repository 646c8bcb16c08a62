// Package faultwords reads the words of KVD.FAULT: name=value, as often as wanted. It knows
// no leader, and does nothing of what it reads.
package faultwords

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"kvd/wallclock"
)

// Help is what KVD.FAULT takes.
const Help = "use DISK ok, full or broken; or CLEAR; or CLOCK or LINK peer, followed by name=value: of a clock offset, step, drift (parts per million), error, freeze, strobe (amplitude/period or off); of a link delay, jitter, loss, duplicate, overtake, cut; durations as in 250ms"

// Read reads each name=value as what the name stands for.
func Read(pairs []string, known map[string]func(value string) error) error {
	for _, pair := range pairs {
		name, value, _ := strings.Cut(pair, "=")
		err := errors.New(Help)
		if read := known[name]; read != nil {
			err = read(value)
		}
		if err != nil {
			return fmt.Errorf("fault %s: %w", pair, err)
		}
	}
	return nil
}

// Into reads a value to where it belongs.
func Into[T any](to *T, parse func(string) (T, error)) func(string) error {
	return func(text string) (err error) {
		*to, err = parse(text)
		return err
	}
}

// Number reads a number.
func Number(text string) (float64, error) { return strconv.ParseFloat(text, 64) }

// Positive reads a duration that is not below zero.
func Positive(text string) (time.Duration, error) {
	d, err := time.ParseDuration(text)
	if err == nil && d < 0 {
		err = fmt.Errorf("%s is below zero", d)
	}
	return d, err
}

// OnOff reads on or off.
func OnOff(text string) (bool, error) {
	if text != "on" && text != "off" {
		return false, errors.New("say on or off")
	}
	return text == "on", nil
}

// Strobe reads AMPLITUDE/PERIOD, or off.
func Strobe(text string) (wallclock.Strobe, error) {
	if text == "off" {
		return wallclock.Strobe{}, nil
	}
	amplitude, period, ok := strings.Cut(text, "/")
	if !ok {
		return wallclock.Strobe{}, errors.New("say amplitude/period, as in 1s/200ms, or off")
	}
	a, err := Positive(amplitude)
	if err != nil {
		return wallclock.Strobe{}, err
	}
	p, err := time.ParseDuration(period)
	if err == nil && p <= 0 {
		err = errors.New("a period is above zero")
	}
	return wallclock.Strobe{Amplitude: a, Period: p}, err
}
