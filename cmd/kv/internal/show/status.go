package show

import (
	"bytes"
	"fmt"
	"math"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"kvd/replica/client"
)

// statusColumns are of the table of all members.
var statusColumns = []string{"member", "state", "ready", "lacks", "unshared", "lag to", "lag from", "clock offset", "clock error", "disk free", "log", "memory", "alarms"}

// StatusTable is all members for people: a table, and below it what is to be looked at.
func StatusTable(all []client.MemberStatus) Record {
	return Record{Text: func(*Printer) string {
		var b bytes.Buffer
		w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
		fmt.Fprintln(w, strings.ToUpper(strings.Join(statusColumns, "\t")))
		for i := range all {
			fmt.Fprintln(w, strings.Join(statusCells(&all[i]), "\t"))
		}
		_ = w.Flush() // into memory
		lines := strings.Split(strings.TrimRight(b.String(), "\n"), "\n")
		for i := range lines {
			lines[i] = strings.TrimRight(lines[i], " ")
		}
		return strings.Join(append(lines, AlarmLines(all)...), "\n")
	}}
}

// MemberStatus is one member of them.
func MemberStatus(m client.MemberStatus) Record {
	return Record{
		Raw:     func() string { return m.Name + " " + stateOf(&m) },
		Columns: statusColumns,
		Rows:    func() [][]string { return row(statusCells(&m)...) },
		JSON:    func() any { return statusFields(m) },
	}
}

// statusFields is a member in JSON: all that its row has, and the sentences.
func statusFields(m client.MemberStatus) any {
	fields := object{{"member", m.Name}, {"addr", m.Addr}, {"answers", m.Said != nil}, {"state", stateOf(&m)}, {"ready", m.Said != nil && m.Said.Ready},
		{"seen", orNull(m.Seen)}, {"lacks_ops", m.LacksOps}, {"lacks_seconds", m.LacksSeconds}}
	if m.Said == nil {
		return append(fields, object{{"why", whyNot(&m)}}...)
	}
	s := m.Said
	return append(fields, object{
		{"origin", s.Origin}, {"policy", s.Policy}, {"policy_number", s.PolicyNumber}, {"uptime_seconds", s.UptimeSeconds}, {"unshared_ops", s.UnsharedOps}, {"clock_error_seconds", s.ClockErrorSeconds},
		{"usage", s.Usage}, {"peers", s.Peers}, {"reasons", s.Reasons}, {"alarms", s.Alarms}, {"quorum", s.Quorum},
	}...)
}

// NoAnswer is the state of a member that did not answer.
const NoAnswer = "no answer"

func stateOf(m *client.MemberStatus) string {
	if m.Said == nil {
		return NoAnswer
	}
	return Printable(m.Said.State)
}

func whyNot(m *client.MemberStatus) string {
	if m.Err == nil {
		return "nobody knows where it serves clients"
	}
	return ReasonOf(m.Err)
}

func statusCells(m *client.MemberStatus) []string {
	cells := []string{Printable(m.Name), stateOf(m), yes(m.Said != nil && m.Said.Ready), lagText(m.LacksOps, m.LacksSeconds)}
	s := m.Said
	if s == nil {
		for len(cells) < len(statusColumns)-1 {
			cells = append(cells, "-")
		}
		return append(cells, "1")
	}
	return append(cells, strconv.FormatInt(s.UnsharedOps, 10),
		ofPeers(s.Peers, func(p *client.PeerStatus) string { return lagText(p.LagOps, p.LagSeconds) }, "0"),
		ofPeers(s.Peers, func(p *client.PeerStatus) string { return lagText(p.AheadOps, 0) }, "0"),
		ofPeers(s.Peers, func(p *client.PeerStatus) string { return offsetText(p.Clock) }, "-"),
		"±"+secondsText(s.ClockErrorSeconds), freeText(&s.Usage), Bytes(s.Usage.LogBytes), memoryText(&s.Usage), strconv.Itoa(len(s.Alarms)))
}

func yes(is bool) string {
	if is {
		return "yes"
	}
	return "no"
}

// ofPeers is what is to be said of each peer; same, once, where that is all there is to say.
func ofPeers(peers []client.PeerStatus, say func(*client.PeerStatus) string, same string) string {
	var words []string
	plain := true
	for i := range peers {
		text := say(&peers[i])
		words, plain = append(words, Printable(peers[i].Name)+" "+text), plain && text == same
	}
	if plain {
		return same
	}
	return strings.Join(words, ", ")
}

func lagText(ops uint64, seconds float64) string {
	text := strconv.FormatUint(ops, 10)
	if ops > 0 && seconds > 0 {
		text += " for " + secondsText(seconds)
	}
	return text
}

// offsetText is the middle of where a clock may stand, and how far off that may be.
func offsetText(o *client.ClockOffset) string {
	if o == nil {
		return "-"
	}
	middle := (o.Earliest + o.Latest) / 2
	sign := "+"
	if middle < 0 {
		sign = "-"
	}
	return sign + secondsText(math.Abs(middle)) + "±" + secondsText((o.Latest-o.Earliest)/2)
}

func secondsText(s float64) string {
	d := time.Duration(s * float64(time.Second))
	switch {
	case d >= time.Minute:
		d = d.Round(time.Second)
	case d >= time.Second:
		d = d.Round(100 * time.Millisecond)
	default:
		d = d.Round(100 * time.Microsecond)
	}
	return d.String()
}

func freeText(u *client.Usage) string {
	if u.DiskFree == nil || u.DiskBytes == nil || *u.DiskBytes == 0 {
		return "-"
	}
	return fmt.Sprintf("%s (%.0f %%)", Bytes(*u.DiskFree), 100*float64(*u.DiskFree)/float64(*u.DiskBytes))
}

// memoryText is what the process takes, and what it is meant to.
func memoryText(u *client.Usage) string {
	if u.MemoryLimit == 0 {
		return Bytes(u.MemoryBytes)
	}
	return Bytes(u.MemoryBytes) + " of " + Bytes(u.MemoryLimit)
}

// Bytes is a size as people read it.
func Bytes(n uint64) string {
	units := []string{"KiB", "MiB", "GiB", "TiB"}
	if n < 1024 {
		return strconv.FormatUint(n, 10) + " B"
	}
	size, unit := float64(n)/1024, 0
	for size >= 1000 && unit+1 < len(units) {
		size, unit = size/1024, unit+1
	}
	if size < 10 {
		return fmt.Sprintf("%.1f %s", size, units[unit])
	}
	return fmt.Sprintf("%.0f %s", size, units[unit])
}

// AlarmLines is a line for each alarm, and for each member that does not answer.
func AlarmLines(all []client.MemberStatus) (lines []string) {
	for i := range all {
		m := &all[i]
		if m.Said == nil {
			seen := ""
			if m.Seen != "" {
				seen = "; the others call it " + Printable(m.Seen)
			}
			lines = append(lines, Printable(m.Name)+": "+NoAnswer+": "+whyNot(m)+seen)
			continue
		}
		for _, a := range m.Said.Alarms {
			lines = append(lines, Printable(m.Name)+": "+Printable(a.Cause)+": "+Printable(a.Detail))
		}
	}
	return lines
}
