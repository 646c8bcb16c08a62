//go:build !unix

package cliutil

import "io"

// Width is how many columns the terminal w has, or 0 if w is none or does not
// say. Nobody asks here.
func Width(io.Writer) int { return 0 }
