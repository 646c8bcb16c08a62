package report

import (
	"fmt"
	"io"
	"strings"

	"kvd/scenarios"
	"kvd/scenarios/branch"
	"kvd/scenarios/script"
	"kvd/scenarios/trace"
)

// Explanation writes one run in order, a line for each event; verbose leaves nothing
// out. s is the script that r is a result of.
func Explanation(w io.Writer, s *script.Scenario, r *scenarios.Result, verbose bool, st Style) error {
	if r.Trace == nil {
		return fmt.Errorf("explain %s under %s: the result has no trace", r.Scenario, r.Resolver)
	}
	t := formatter{style: st, verbose: verbose, facts: newReader(), seen: map[string]int{}, faults: map[string]int{}, folded: map[trace.Kind]int{}, nameWidth: widestName(r.Trace)}
	fmt.Fprintf(&t.text, "%s\n\n", titled(fmt.Sprintf("%s under %s, seed %d", r.Scenario, r.Resolver, r.Seed), s.Title))
	for e := range r.Trace.All() {
		t.event(e)
	}
	t.unfold()
	t.text.WriteString("\n" + t.closing(s, r))
	_, err := io.WriteString(w, t.text.String())
	return err
}

// maxRepeated is how often the same sort of thing is written before it is folded.
const maxRepeated = 3

type formatter struct {
	style     Style
	verbose   bool
	facts     *reader
	nameWidth int            // columns of the longest name
	seen      map[string]int // by shape, since the last fault
	faults    map[string]int // by words
	folded    map[trace.Kind]int
	until     trace.Event // the last one folded
	last      entry       // of until
	text      strings.Builder
}

func widestName(t *trace.Trace) int {
	n := 0
	for e := range t.All() {
		n = max(n, width(e.Where))
	}
	return min(n, 16)
}

// event writes the event's line, or only counts it if enough of its sort were written.
func (t *formatter) event(e trace.Event) {
	b, worded := t.facts.read(e)
	if !worded && !t.verbose {
		return
	}
	if !t.verbose && t.boring(&b) {
		t.folded[e.Kind]++
		t.until, t.last = e, b
		return
	}
	t.unfold()
	t.sentence(e, &b)
}

// boring reports whether enough entries of this sort have been written since the last
// fault, or of a fault, ever.
func (t *formatter) boring(b *entry) bool {
	if b.kind == trace.Fault {
		t.faults[b.words]++
		if t.faults[b.words] > maxRepeated {
			return true
		}
		clear(t.seen)
		return false
	}
	shape := b.shape()
	t.seen[shape]++
	return t.seen[shape] > maxRepeated
}

// shape is equal for entries that differ in nothing but the update and the
// moment.
func (b *entry) shape() string {
	switch b.kind {
	case trace.Applied, trace.Missed:
		return fmt.Sprint(b.kind, "\x00", b.to)
	case trace.Lost:
		_, relation, _ := strings.Cut(b.words, "; ")
		return fmt.Sprint(b.kind, "\x00", b.again, "\x00", relation)
	}
	return fmt.Sprint(b.kind, "\x00", b.from, "\x00", b.to, "\x00", b.key)
}

// unfold writes the sum of what was folded; a single event is written as it is.
func (t *formatter) unfold() {
	var parts []string
	if len(t.folded) == 1 && t.folded[t.until.Kind] == 1 {
		clear(t.folded)
		t.sentence(t.until, &t.last)
		return
	}
	for k := trace.Fault; k <= trace.Final; k++ {
		if n := t.folded[k]; n > 0 {
			parts = append(parts, fmt.Sprintf("%s more %s", thousands(n), k))
		}
	}
	if len(parts) > 0 {
		fmt.Fprintf(&t.text, "%s  %s  … and then %s, until %s\n", padLeft("", 14), pad("", t.nameWidth), list(parts), trueTime(t.until.At))
	}
	clear(t.folded)
}

func (t *formatter) sentence(e trace.Event, b *entry) {
	words := b.words
	if b.kind == trace.Lost || b.kind == trace.Retracted {
		words = string(b.sign) + " " + words
	}
	line := fmt.Sprintf("%s  %s  %s\n", padLeft(trueTime(e.At), 14), pad(b.who, t.nameWidth), words)
	if e.Kind != trace.Lost {
		t.text.WriteString(line)
		return
	}
	t.text.WriteString(t.style.red(strings.TrimSuffix(line, "\n")) + "\n")
	if !b.again {
		t.version("lost", e.Label)
		t.version("kept", e.Other)
	}
}

// version is one of the two that met.
func (t *formatter) version(fate, label string) {
	e, ok := t.facts.accepted[label]
	if !ok {
		return
	}
	value := "a delete"
	if e.Values != nil {
		value = shown(e.Values, 40)
	}
	text := fmt.Sprintf("%s %s: %s, accepted at %s by %s, whose clock showed %s", fate, label, value, trueTime(e.At), e.Where, clock(e.Clock))
	if by := t.facts.asked[label].Where; by != "" {
		text += ", for " + by
	}
	if at, ok := t.facts.acked[label]; ok {
		text += ", acknowledged at " + trueTime(at)
	}
	fmt.Fprintf(&t.text, "%s  %s    %s\n", padLeft("", 14), pad("", t.nameWidth), text)
}

// closing is the result row and the promises, in words.
func (t *formatter) closing(s *script.Scenario, r *scenarios.Result) string {
	lines := []string{ending(s, r)}
	if len(r.Sessions) > 0 {
		lines = append(lines, "Session guarantees: "+sessions(s, r)+".")
	}
	lines = append(lines, avoidable(r)...)
	for _, p := range r.Promises {
		if p.Held {
			lines = append(lines, fmt.Sprintf("✓ %s (%s)", p.Check, p.Kind))
		} else {
			lines = append(lines, t.style.red(fmt.Sprintf("%s (%s)", broken(p), p.Kind)))
		}
	}
	lines = append(lines, expectation(s, r, t.style))
	return strings.Join(lines, "\n") + "\n"
}

// maxAvoidable is of how many losses it is told until when they could have been avoided.
const maxAvoidable = 3

// avoidable says until when losses could have been avoided, of those that somebody looked at.
func avoidable(r *scenarios.Result) []string {
	var lines []string
	looked := 0
	for i := range r.Losses {
		l := &r.Losses[i]
		if l.Avoidable == nil {
			continue
		}
		if looked++; looked <= maxAvoidable {
			lines = append(lines, fmt.Sprintf("%s is lost. %s.", l.Label, branch.Words(l.Avoidable, trueTime(l.Avoidable.Until))))
		}
	}
	if looked > maxAvoidable {
		lines = append(lines, fmt.Sprintf("As much is known of %s of %s lost; the page tells it.", thousands(looked), thousands(len(r.Losses))))
	}
	return lines
}

// sessions is what became of each client that carries a token or moves.
func sessions(s *script.Scenario, r *scenarios.Result) string {
	var each []string
	for _, c := range s.Clients {
		verdict, judged := r.Sessions[c.Name]
		if !judged {
			continue
		}
		if !c.Session {
			verdict += " (it carries no token)"
		}
		each = append(each, c.Name+" "+verdict)
	}
	return strings.Join(each, ", ")
}

func expectation(s *script.Scenario, r *scenarios.Result, st Style) string {
	switch {
	case r.Expectation == scenarios.Held:
		return "The result is the one the script expects."
	case r.Expectation == scenarios.Broken:
		return st.red("✗ The result is not the one the script expects: " + differences(r, s.Expect) + ".")
	case r.Seed != r.ExpectedSeed() && len(s.Expect.Rows) > 0:
		return fmt.Sprintf("The script says what to expect with seed %d only.", r.ExpectedSeed())
	}
	return "The script expects nothing in particular of " + r.Resolver + "."
}

// maxDifferences is how many cells are named that differ from an expect table.
const maxDifferences = 4

func differences(r *scenarios.Result, t script.Table) string {
	var each []string
	for i, d := range r.Unexpected(t) {
		if i == maxDifferences {
			each = append(each, "more")
			break
		}
		each = append(each, fmt.Sprintf("%s is %s and not %s", d.Column, cut(d.Found, 24), cut(d.Expected, 24)))
	}
	return strings.Join(each, ", ")
}

func balance(r *scenarios.Result) string {
	text := fmt.Sprintf("Of %s under %s, %s accounted for and %s", count(r.Acked, "acknowledged update"), r.Resolver,
		isAre(r.Accounted), isAre(r.Lost)+" lost")
	var classes []string
	for _, c := range []struct {
		n    int
		name string
	}{{r.Inverted, "inverted"}, {r.Concurrent, "concurrent"}, {r.Durability, "durability"}, {r.Resurrected, "resurrected"}} {
		if c.n > 0 {
			classes = append(classes, thousands(c.n)+" "+c.name)
		}
	}
	if len(classes) > 0 {
		text += " (" + list(classes) + ")"
	}
	if r.Overcounted > 0 {
		text += "; " + thousands(r.Overcounted) + " overcounted"
	}
	if !r.Converged {
		text += "; the leaders still differ"
	}
	return text + "."
}

func isAre(n int) string {
	if n == 1 {
		return "1 is"
	}
	return thousands(n) + " are"
}
