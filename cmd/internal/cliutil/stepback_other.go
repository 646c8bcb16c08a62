//go:build !linux

package cliutil

// StepBack lets the process go behind others on Linux, and does nothing here.
func StepBack() error { return nil }
