//go:build !linux

package source

import (
	"context"
	"errors"
	"time"
)

// Kernel is what the kernel says of the calendar clock, which is asked on Linux only.
func Kernel(time.Duration) Source { return kernel{} }

type kernel struct{}

func (kernel) Name() string         { return "kernel" }
func (kernel) Every() time.Duration { return time.Minute }

func (kernel) Sample(context.Context, Clock) (Answer, error) {
	return Answer{}, errors.New("only Linux is asked what its clock is worth; use ntp or chrony")
}
