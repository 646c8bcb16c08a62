package opfile

import (
	"bufio"
	"encoding/json"
	"io"

	"kvd/resolve/blackbox"
)

// Writer writes a history as JSON lines. One goroutine uses it at a time.
type Writer struct{ w *bufio.Writer }

// NewWriter begins a history with a line for people.
func NewWriter(w io.Writer, about string) (*Writer, error) {
	out := &Writer{bufio.NewWriterSize(w, 64<<10)}
	return out, out.line(map[string]string{"about": about})
}

// line is one line. Errors are kept by the buffer too.
func (w *Writer) line(v any) error {
	raw, err := json.Marshal(v)
	if err != nil {
		return err
	}
	_, err = w.w.Write(append(raw, '\n'))
	return err
}

// written is an op as it is written.
type written struct {
	Client string `json:"client"`
	Node   string `json:"node,omitempty"`
	Key    string `json:"key"`
	Op     string `json:"op"`
	Value  any    `json:"value,omitempty"`
	Shown  any    `json:"shown,omitempty"`
	Result string `json:"result,omitempty"`
	Type   string `json:"type"`
	Start  int64  `json:"start"`
	End    int64  `json:"end,omitempty"`
	Stamp  int64  `json:"stamp,omitempty"`
	Final  bool   `json:"final,omitempty"`
}

var types = [...]string{blackbox.Acked: "ok", blackbox.Indeterminate: "info", blackbox.Failed: "fail"}

// null is a value that is written as null: a nil would be left out.
var null = json.RawMessage("null")

// shownAs is a reading as it is written: a single text alone where one is meant.
func shownAs(r blackbox.Reading, list bool) any {
	switch {
	case !r.Known:
		return nil
	case list && len(r.Values) > 0:
		return r.Values
	case len(r.Values) == 0:
		return null
	case len(r.Values) == 1:
		return r.Values[0]
	}
	return r.Values
}

// Put writes one op.
func (w *Writer) Put(o *blackbox.Op) error {
	l := written{Client: o.Client, Node: o.Node, Key: o.Key, Op: o.Verb.String(), Type: types[o.Outcome],
		Start: int64(o.Start), Stamp: int64(o.Stamp), Final: o.Final}
	if o.Outcome != blackbox.Indeterminate {
		l.End = int64(o.End)
	}
	switch o.Verb {
	case blackbox.Get:
		l.Value = shownAs(o.Read, false)
	case blackbox.Incr:
		l.Value = o.Delta
		if o.Read.Known && len(o.Read.Values) == 1 {
			l.Result = o.Read.Values[0]
		}
	case blackbox.Del:
	default:
		l.Value, l.Shown = o.Value, shownAs(o.Shown, o.Verb == blackbox.Add)
	}
	return w.line(l)
}

// Flush gives everything to the writer below.
func (w *Writer) Flush() error { return w.w.Flush() }
