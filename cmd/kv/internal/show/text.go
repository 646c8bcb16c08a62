package show

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"
	"unicode/utf8"

	"kvd/replica/client"
)

// Brief is enough of a text to know it by, safe on a terminal.
func Brief(text string) string { return Printable(Cut(text)) }

// Cut is a text that is not long, its end left out. It does not end within a rune.
func Cut(text string) string {
	const maxBytes = 60
	if len(text) <= maxBytes {
		return text
	}
	end := maxBytes
	for end > maxBytes-utf8.UTFMax && !utf8.RuneStart(text[end]) {
		end--
	}
	return text[:end] + "…"
}

// Count is a number of things.
func Count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// ShownAll is names, each safe on a terminal.
func ShownAll(names []string) []string { return each(names, Printable) }

// joined is texts on one line, each safe on a terminal.
func joined(texts []string) string { return strings.Join(ShownAll(texts), " | ") }

// joinedOr is joined, or what to say where there are none.
func joinedOr(texts []string, none string) string {
	if len(texts) == 0 {
		return none
	}
	return joined(texts)
}

// Glimpse is the first of the values, each as far as a line of talk takes it: of
// thousands the user needs the number more than the values.
func Glimpse(values []string) string {
	const maxValues = 8
	first := each(values[:min(len(values), maxValues)], Cut)
	if more := len(values) - len(first); more > 0 {
		return fmt.Sprintf("%s and %d more", joined(first), more)
	}
	return joined(first)
}

// clockText is an instant of a leader's clock, in nanoseconds of Unix time.
func clockText(ns int64) string { return time.Unix(0, ns).UTC().Format("2006-01-02T15:04:05.000Z") }

// quoted is a prefix as it can be told from words.
func quoted(prefix string) string { return fmt.Sprintf("%q", prefix) }

// Reason is why there is no answer, in words of people where there are any.
func Reason(err error) string {
	text := err.Error()
	for _, w := range []struct{ machine, people string }{
		{context.DeadlineExceeded.Error(), "it did not answer in time"},
		{os.ErrDeadlineExceeded.Error(), "it did not answer in time"},
		{io.EOF.Error(), "it closed the connection without an answer"},
	} {
		if head, ok := strings.CutSuffix(text, w.machine); ok {
			return Printable(head + w.people)
		}
	}
	return Printable(text)
}

// ReasonOf is the reason of a leader's that may have refused.
func ReasonOf(err error) string {
	if client.Unknown(err) {
		return "this server does not have the command; a newer one may"
	}
	if r, ok := errors.AsType[*client.Refusal](err); ok {
		err = r.Err
	}
	return Reason(err)
}

// Missed says who could not be asked, and why.
func Missed(a client.Absentee) string { return a.String() + ": " + ReasonOf(a.Err) }

// WhoIsMissing is Missed of each.
func WhoIsMissing(missing []client.Absentee) []string { return each(missing, Missed) }

// MissingNames is the names of who could not be asked.
func MissingNames(missing []client.Absentee) []string {
	return each(missing, func(a client.Absentee) string { return Printable(a.Name) })
}

// distanceText says how far the leader called name is from another.
func distanceText(d client.Distance, name, other string) string {
	name, other = Printable(name), Printable(other)
	switch {
	case d.None():
		return fmt.Sprintf("%s has applied the same as %s", name, other)
	case d.Beyond == 0:
		return fmt.Sprintf("%s is behind: it lacks %s that %s has applied", name, Count(int(d.Lacks), "op"), other)
	case d.Lacks == 0:
		return fmt.Sprintf("%s is ahead: it has applied %s that %s lacks", name, Count(int(d.Beyond), "op"), other)
	}
	return fmt.Sprintf("%s lacks %s that %s has applied, and has %d that %s lacks", name, Count(int(d.Lacks), "op"), other, d.Beyond, other)
}

// AgreementLines is what keeps the leaders from being told to agree.
func AgreementLines(a *client.Agreement) []string {
	lines := WhoIsMissing(a.Missing)
	var lacks []string
	for _, l := range a.Lacks {
		lacks = append(lacks, fmt.Sprintf("%s lacks %d ops", l.Leader, l.Ops))
	}
	if len(lacks) > 0 {
		lines = append(lines, strings.Join(lacks, ", "))
	}
	lines = append(lines, a.Loading...)
	if a.Failed != nil {
		lines = append(lines, a.Failed.Error())
	}
	return lines
}
