package show

import (
	"strings"

	"kvd/replica/client"
)

// Member is one leader of the cluster as a record.
type Member struct{ client.Member }

func (m Member) Text(p *Printer) string {
	parts := []string{p.Show(m.Name), p.Show(m.Status)}
	for _, f := range [][2]string{{"resp", m.RESP}, {"http", m.HTTP}, {"peer", m.Peer}, {"origin", m.Origin}} {
		if f[1] != "" {
			parts = append(parts, f[0]+" "+p.Show(f[1]))
		}
	}
	return strings.Join(parts, "  ")
}

func (m Member) Raw() string { return m.Name }

func (m Member) Columns() []string {
	return []string{"name", "status", "resp", "http", "peer", "origin"}
}

func (m Member) Cells() []string {
	return []string{Printable(m.Name), Printable(m.Status), Printable(m.RESP), Printable(m.HTTP), Printable(m.Peer), Printable(m.Origin)}
}

// absenteeJSON is a leader that could not be asked.
type absenteeJSON struct {
	Leader string `json:"leader"`
	Addr   string `json:"addr"`
	Why    string `json:"why"`
}

// Absentees is a list in JSON that is never null.
func Absentees(missing []client.Absentee) []absenteeJSON {
	all := make([]absenteeJSON, len(missing))
	for i, a := range missing {
		all[i] = absenteeJSON{a.Name, a.Addr, ReasonOf(a.Err)}
	}
	return all
}
