package show

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"

	"kvd/replica/client"
)

// clockColumns are of the table of what members know of their own clocks.
var clockColumns = []string{"member", "judged by", "error", "answer's age", "set", "contradicted", "members say"}

// ClockTable is the clocks of all members for people: what each knows of its own, why, and
// where each sees those of the others.
func ClockTable(all []client.MemberStatus) Record {
	return Record{Text: func(*Printer) string {
		rows := [][]string{strings.Split(strings.ToUpper(strings.Join(clockColumns, "\t")), "\t")}
		for i := range all {
			rows = append(rows, clockCells(&all[i]))
		}
		text := aligned(rows) + sourceLines(all) + offsetLines(all)
		if matrix := clockMatrix(all); matrix != nil {
			text += "\nclocks as each row sees them; positive: ahead of its own\n" + aligned(matrix)
		}
		return strings.TrimRight(text, "\n")
	}}
}

// aligned is a table with its columns below each other.
func aligned(rows [][]string) string {
	var b bytes.Buffer
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	for _, row := range rows {
		fmt.Fprintln(w, strings.Join(row, "\t"))
	}
	_ = w.Flush() // into memory
	lines := strings.Split(b.String(), "\n")
	for i := range lines {
		lines[i] = strings.TrimRight(lines[i], " ")
	}
	return strings.Join(lines, "\n")
}

// MemberClock is one member of them.
func MemberClock(m client.MemberStatus) Record {
	return Record{
		Raw:     func() string { return m.Name + " " + judge(&m) },
		Columns: clockColumns,
		Rows:    func() [][]string { return row(clockCells(&m)...) },
		JSON:    func() any { return clockFields(m) },
	}
}

func clockFields(m client.MemberStatus) any {
	fields := object{{"member", m.Name}, {"addr", m.Addr}, {"answers", m.Said != nil}}
	if m.Said == nil {
		return append(fields, object{{"why", whyNot(&m)}}...)
	}
	others := object{}
	for _, p := range m.Said.Peers {
		others = append(others, object{{p.Name, p.Clock}}...)
	}
	return append(fields, object{{"clock_error_seconds", m.Said.ClockErrorSeconds}, {"clock", m.Said.Clock}, {"others", others}}...)
}

// judge is whose word counts for a member's clock.
func judge(m *client.MemberStatus) string {
	switch {
	case m.Said == nil:
		return NoAnswer
	case m.Said.Clock.Source == "":
		return "-" // of a former version
	case m.Said.Clock.Asked == "auto" && !m.Said.Clock.Answers:
		return Printable(m.Said.Clock.Source) + " (auto finds nobody)"
	case m.Said.Clock.Asked != "claim" && !m.Said.Clock.Answers:
		kind, _, _ := strings.Cut(m.Said.Clock.Asked, ":")
		return Printable(m.Said.Clock.Source) + " (" + Printable(kind) + " does not answer)"
	}
	return Printable(m.Said.Clock.Source)
}

func clockCells(m *client.MemberStatus) []string {
	cells := []string{Printable(m.Name), judge(m)}
	if m.Said == nil {
		return append(cells, "-", "-", "-", "-", "-")
	}
	age := "-"
	if c := &m.Said.Clock; c.AgeSeconds > 0 {
		age = secondsText(c.AgeSeconds)
	}
	return append(cells, "±"+secondsText(m.Said.ClockErrorSeconds), age, strconv.Itoa(m.Said.Clock.Steps), strconv.Itoa(m.Said.Clock.Contradictions), verdict(m.Said.Clock.Judged))
}

// verdict is what a member makes of its own clock, held against those of all.
func verdict(j *client.ClockJudged) string {
	switch {
	case j == nil || len(j.Clocks) == 0:
		return "-"
	case j.State == "too-few":
		return fmt.Sprintf("nothing: %d of %d heard", j.Heard, j.Members)
	case j.State == "split":
		return fmt.Sprintf("no %d of %d agree", j.Quorum, j.Members)
	}
	said := "right"
	if out := j.Clocks[0].Outside; out != 0 {
		said = "wrong by " + secondsText(max(out, -out))
	}
	switch {
	case j.Quarantined && j.Quarantine == "warn":
		said += ", warned"
	case j.Quarantined:
		said += ", in quarantine"
	}
	return said
}

// offsetLines is where all clocks stand as each member sees them, and whom it calls wrong.
func offsetLines(all []client.MemberStatus) string {
	var b strings.Builder
	for i := range all {
		m := &all[i]
		if m.Said == nil || m.Said.Clock.Judged == nil || m.Said.Clock.Judged.Heard < 2 {
			continue
		}
		j := m.Said.Clock.Judged
		fmt.Fprintf(&b, "%s: %d clocks from %s to %s of its own, median %s", Printable(m.Name), j.Heard, signedText(j.Min), signedText(j.Max), signedText(j.Median))
		for _, c := range j.Clocks {
			if c.Outside != 0 {
				fmt.Fprintf(&b, "; %s is outside by %s and claims ±%s", Printable(c.Name), signedText(c.Outside), secondsText(c.Claims))
			}
		}
		b.WriteByte('\n')
	}
	return b.String()
}

// signedText is a difference.
func signedText(s float64) string {
	if s < 0 {
		return "-" + secondsText(-s)
	}
	return "+" + secondsText(s)
}

// sourceLines is what each source said, and who did not answer.
func sourceLines(all []client.MemberStatus) string {
	var b strings.Builder
	for i := range all {
		m := &all[i]
		if m.Said == nil {
			fmt.Fprintf(&b, "%s: %s\n", Printable(m.Name), whyNot(m))
			continue
		}
		for _, s := range m.Said.Clock.Sources {
			fmt.Fprintf(&b, "%s: %s: %s\n", Printable(m.Name), Printable(s.Name), Printable(cmp.Or(s.Unavailable, s.Reason)))
		}
	}
	return b.String()
}

// clockMatrix is where each member sees the others' clocks; nil: nobody sees anybody's.
func clockMatrix(all []client.MemberStatus) [][]string {
	head := []string{""}
	for i := range all {
		head = append(head, Printable(all[i].Name))
	}
	rows, any := [][]string{head}, false
	for i := range all {
		if all[i].Said == nil {
			continue
		}
		row := []string{Printable(all[i].Name)}
		for j := range all {
			k := slices.IndexFunc(all[i].Said.Peers, func(p client.PeerStatus) bool { return p.Name == all[j].Name })
			if k < 0 {
				row = append(row, "-")
				continue
			}
			row = append(row, offsetText(all[i].Said.Peers[k].Clock))
			any = any || all[i].Said.Peers[k].Clock != nil
		}
		rows = append(rows, row)
	}
	if !any {
		return nil
	}
	return rows
}
