package show

import (
	"fmt"
	"strings"
	"time"

	"kvd/replica/client"
)

// Key is a key alone.
type Key string

func (n Key) Text(p *Printer) string { return p.Show(string(n)) }

func (n Key) Raw() string { return string(n) }

func (n Key) Columns() []string { return []string{"key"} }

func (n Key) Cells() []string { return []string{Printable(string(n))} }

// MarshalJSON has the one field.
func (n Key) MarshalJSON() ([]byte, error) {
	return marshal(struct {
		Key keyName `json:"key"`
	}{keyName(n)})
}

// Siblings is all that a key shows.
type Siblings struct{ client.Reading }

func (s Siblings) Text(p *Printer) string {
	lines := []string{fmt.Sprintf("%s under %s: %s", p.Show(s.Key), s.Resolver, Count(len(s.Values), "value"))}
	for i, v := range s.Values {
		lines = append(lines, fmt.Sprintf("%d) %s", i+1, p.Show(v)))
	}
	return strings.Join(append(lines, "token "+s.Token), "\n")
}

func (s Siblings) Raw() string { return strings.Join(s.Values, "\n") + "\n" }

func (s Siblings) Columns() []string { return []string{"key", "resolver", "values", "token"} }

func (s Siblings) Cells() []string {
	return []string{Printable(s.Key), s.Resolver, joined(s.Values), s.Token}
}

// MarshalJSON lists the values.
func (s Siblings) MarshalJSON() ([]byte, error) {
	return marshal(struct {
		Key      keyName `json:"key"`
		Values   []Blob  `json:"values"`
		Token    string  `json:"token"`
		Resolver string  `json:"resolver"`
	}{keyName(s.Key), blobsOf(s.Values), s.Token, s.Resolver})
}

// Change is what a key shows from some time on.
type Change struct {
	At time.Time // when kv saw it
	client.Reading
}

func (c Change) Text(p *Printer) string {
	what := "(absent)"
	switch n := len(c.Values); {
	case n == 1:
		what = p.Show(c.Values[0])
	case n > 1:
		what = fmt.Sprintf("%d siblings: %s", n, joined(c.Values))
	}
	return c.At.Format("15:04:05.000") + "  " + what
}

func (c Change) Raw() string { return joined(c.Values) }

func (c Change) Columns() []string { return []string{"at", "values"} }

func (c Change) Cells() []string {
	return []string{c.At.Format("15:04:05.000"), joined(c.Values)}
}

// MarshalJSON lists the values.
func (c Change) MarshalJSON() ([]byte, error) {
	return marshal(struct {
		At     time.Time `json:"at"`
		Key    keyName   `json:"key"`
		Values []Blob    `json:"values"`
		Token  string    `json:"token"`
	}{c.At, keyName(c.Key), blobsOf(c.Values), c.Token})
}
