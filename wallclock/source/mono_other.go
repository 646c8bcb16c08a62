//go:build !linux

package source

import (
	"errors"
	"time"
)

func monotonic() (time.Duration, error) {
	return 0, errors.New("ClockBound runs on Linux")
}
