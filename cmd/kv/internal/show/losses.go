package show

import (
	"fmt"
	"strings"

	"kvd/replica/client"
	"kvd/replica/client/answers"
)

// Loss is one lost write as a record.
type Loss struct{ answers.Loss }

// what is the write in a word or two; JSON has all of the value that came.
func (l Loss) what() string {
	switch {
	case l.Value.Kind != client.Null:
		return Brief(l.Value.Text)
	case l.IsDeletion():
		return "(a deletion)"
	}
	return "(no longer at hand)"
}

func (l Loss) Text(p *Printer) string {
	to := "what is no longer here"
	if w := l.BeatenBy(); w != "" {
		to = w
	}
	first := l.First()
	return fmt.Sprintf("%s: %s\n    lost %s to %s, %s under %s; first decided %s at %s; held by %s", p.Show(l.Key), p.Show(l.Row.Text),
		l.Loser, to, l.how(), l.Resolver, clockText(int64(first.At.Midpoint())), Printable(first.Leader), Series(ShownAll(l.Leaders())))
}

// how is the relation, and what is gone if that is more than a value.
func (l Loss) how() string {
	switch {
	case l.IsIncrement():
		return l.Relation.String() + ", an increment"
	case l.IsUndone():
		return l.Relation.String() + ", a deletion undone"
	}
	return l.Relation.String()
}

// Raw is the dot, which kv fate and kv restore take.
func (l Loss) Raw() string { return l.Loser.String() }

func (l Loss) Columns() []string {
	return []string{"key", "value", "resolver", "relation", "class", "lost", "to", "accepted by", "decided", "held by"}
}

func (l Loss) Cells() []string {
	return []string{Printable(l.Key), l.what(), l.Resolver.String(), l.Relation.String(), Printable(l.Class), l.Loser.String(), l.BeatenBy(),
		Printable(l.Accepted), clockText(int64(l.First().At.Midpoint())), strings.Join(ShownAll(l.Leaders()), " ")}
}

// sightingJSON is when one leader decided it, by its own clock.
type sightingJSON struct {
	Leader string `json:"leader"`
	At     int64  `json:"at"`
	Error  int64  `json:"error"`
}

// lossJSON has the server's fields, and who says so. The value may be cut; size
// is that of all of it.
type lossJSON struct {
	Resolver   string         `json:"resolver"`
	Serving    bool           `json:"serving"`
	Relation   string         `json:"relation"`
	Key        keyName        `json:"key"`
	Loser      string         `json:"loser"`
	Winner     *string        `json:"winner"`
	Value      Reply          `json:"value"`
	Size       int64          `json:"size"`
	Kind       string         `json:"kind"`
	Class      string         `json:"class"`
	Delta      int64          `json:"delta"`
	AcceptedBy string         `json:"accepted_by"`
	Client     string         `json:"client"`
	Wall       int64          `json:"wall"`
	By         []sightingJSON `json:"by"`
	Text       string         `json:"text"`
}

// MarshalJSON gives null where there is no winner or no value.
func (l Loss) MarshalJSON() ([]byte, error) {
	out := lossJSON{l.Resolver.String(), l.Serving, l.Relation.String(), keyName(l.Key), l.Loser.String(), nil, Reply{l.Value}, l.Size, l.Kind, l.Class, l.Delta,
		l.Accepted, l.Client, l.Wall, nil, l.Row.Text}
	if w := l.BeatenBy(); w != "" {
		out.Winner = &w
	}
	for _, s := range l.By {
		out.By = append(out.By, sightingJSON{s.Leader, int64(s.At.Midpoint()), int64(s.At.HalfWidth())})
	}
	return marshal(out)
}

// LossList is all losses as one record, which is for JSON alone.
type LossList struct {
	answers.LossList
	Losses []Loss // nil: none of them
}

func (LossList) Text(*Printer) string { return "" }
func (LossList) Raw() string          { return "" }
func (LossList) Columns() []string    { return nil }
func (LossList) Cells() []string      { return nil }

// MarshalJSON is all of it, or, as the last line of many, what there is to say
// about the lines before.
func (l LossList) MarshalJSON() ([]byte, error) {
	return marshal(struct {
		Losses      []Loss         `json:"losses,omitzero"`
		More        bool           `json:"more"`
		Differences []string       `json:"differences"`
		Missing     []absenteeJSON `json:"missing"`
	}{l.Losses, l.More, append([]string{}, ShownAll(l.Differs)...), Absentees(l.Missing)})
}
