package cliutil

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"
)

// Exit codes.
const (
	OK          = 0
	Failed      = 1   // the operation did not succeed
	Misused     = 2   // the command line makes no sense
	Absent      = 3   // the key is not there
	Differs     = 4   // a conflict or a divergence was found
	Unreachable = 5   // nobody there, too late, or about to stop
	Denied      = 6   // wrong password, or not allowed
	Broken      = 7   // an expectation or a promise of a scenario broke
	Unconverged = 8   // inconclusive: leaders did not converge in time
	Bug         = 70  // in the program itself
	Interrupted = 130 // by a signal
)

// Problem is a failure as it is told: what failed, why, and what to do next, a
// line each. Code zero is Failed.
type Problem struct {
	What string `json:"error"`
	Why  string `json:"why"`
	Next string `json:"next,omitempty"` // empty: nobody knows
	Code int    `json:"code"`

	Told     bool `json:"-"` // whoever failed has said so: nothing is printed, and Code is all there is
	Stopping bool `json:"-"` // it failed at stopping in order, which a signal asked for: that is what is told
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

// Tell writes the failure to w in three lines and returns its exit code.
func Tell(w io.Writer, program string, err error) int {
	if err == nil {
		return OK
	}
	p := problem(err)
	if !p.Told {
		fmt.Fprintf(w, "%s: %s\n", program, p.Error())
	}
	return p.Code
}

// TellJSON is Tell for programs: one object with error, why, next and code, which
// is the exit code.
func TellJSON(w io.Writer, err error) int {
	if err == nil {
		return OK
	}
	p := problem(err)
	if p.Told {
		return p.Code
	}
	text, err := json.Marshal(p)
	if err != nil { // strings and a number
		panic(err)
	}
	fmt.Fprintf(w, "%s\n", text)
	return p.Code
}

// problem is a copy of the error's problem, or one that says what the error says.
func problem(err error) Problem {
	p := &Problem{What: "failed", Why: err.Error()}
	if at := new(fs.PathError); errors.As(err, &at) && at.Op == "write" {
		p.What, p.Next = "cannot write what was asked for", "make room, or write somewhere else"
	}
	errors.As(err, &p)
	told := *p
	if told.Code == OK {
		told.Code = Failed
	}
	return told
}
