package cliutil

import (
	"errors"
	"fmt"
	"io"
	"strings"
)

// Exit codes.
const (
	OK          = 0
	Failed      = 1   // the operation did not succeed
	Misused     = 2   // the command line makes no sense
	Broken      = 7   // an expectation or a promise of a scenario broke
	Unconverged = 8   // inconclusive: leaders did not converge in time
	Interrupted = 130 // by a signal
)

// Problem is a failure as it is told: what failed, why, and what to do next, a
// line each. Code zero is Failed.
type Problem struct {
	What string
	Why  string
	Next string // empty: nobody knows
	Code int
}

// Error is the three lines without the program's name.
func (p *Problem) Error() string {
	lines := []string{p.What, "why:  " + p.Why}
	if p.Next != "" {
		lines = append(lines, "next: "+p.Next)
	}
	return strings.Join(lines, "\n")
}

// Usage is a problem with the command line itself.
func Usage(what, why, next string) *Problem {
	return &Problem{What: what, Why: why, Next: next, Code: Misused}
}

// Fail is a problem whose reason is an error.
func Fail(what string, err error, next string) *Problem {
	return &Problem{What: what, Why: err.Error(), Next: next, Code: Failed}
}

// tell writes the failure to w and returns its exit code.
func tell(w io.Writer, program string, err error) int {
	if err == nil {
		return OK
	}
	p := &Problem{What: "failed", Why: err.Error(), Code: Failed}
	errors.As(err, &p)
	fmt.Fprintf(w, "%s: %s\n", program, p.Error())
	if p.Code == 0 {
		return Failed
	}
	return p.Code
}
