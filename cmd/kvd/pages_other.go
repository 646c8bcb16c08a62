//go:build !linux

package main

// askHugePages does nothing where no such pages are asked for.
func askHugePages(int64) {}
