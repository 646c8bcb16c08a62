package report

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"io"

	"kvd/logical"
	"kvd/scenarios"
	"kvd/scenarios/history"
	"kvd/scenarios/oracle"
)

// entire is a result as JSON has it: what it comes to, every loss, and all that it takes
// to find these again (see the package comment).
type entire struct {
	*scenarios.Result
	Losses  []loss            `json:"losses"`
	Serving map[string]string `json:"serving"`
	History *history.Record   `json:"history,omitempty"`
}

// loss is one acknowledged update that is lost.
type loss struct {
	Label  string       `json:"label"`
	Key    string       `json:"key"`
	Client string       `json:"client"`
	Verb   string       `json:"verb"`
	Class  oracle.Class `json:"class"`
	Dots   []string     `json:"dots"`              // the names its acknowledgements gave it
	By     string       `json:"by,omitempty"`      // the label of what survives
	ByVerb string       `json:"by_verb,omitempty"` // what that is
	Acked  int64        `json:"acked"`             // true time in nanoseconds
}

// JSON writes one array with a line for each result. Nothing is null: a key that is
// absent has an empty list of values.
func JSON(w io.Writer, results []*scenarios.Result) error { return array(w, results, true) }

// writeMatrix is JSON without histories: traces that are kept beside it have them.
func writeMatrix(w io.Writer, results []*scenarios.Result) error { return array(w, results, false) }

func array(w io.Writer, results []*scenarios.Result, full bool) error {
	between := "[\n"
	for _, r := range results {
		var b bytes.Buffer
		b.WriteString(between)
		between = ",\n"
		enc := json.NewEncoder(&b)
		enc.SetEscapeHTML(false)
		if err := enc.Encode(complete(r, full)); err != nil {
			return fmt.Errorf("write result of %s under %s: %w", r.Scenario, r.Resolver, err)
		}
		b.Truncate(b.Len() - 1) // Encode ends the line
		if _, err := w.Write(b.Bytes()); err != nil {
			return err
		}
	}
	end := "\n]\n"
	if len(results) == 0 {
		end = "[" + end
	}
	_, err := io.WriteString(w, end)
	return err
}

// complete is the result without nil lists and maps.
func complete(r *scenarios.Result, full bool) entire {
	c := *r
	c.Values = map[string]map[string][]string{}
	for n, keys := range r.Values {
		c.Values[n] = map[string][]string{}
		for k, values := range keys {
			c.Values[n][k] = append([]string{}, values...)
		}
	}
	c.Promises = append([]scenarios.Promise{}, r.Promises...)
	out := entire{Result: &c, Losses: []loss{}, Serving: r.Serving}
	for _, l := range r.Losses {
		out.Losses = append(out.Losses, lossOf(l))
	}
	if out.Serving == nil {
		out.Serving = map[string]string{}
	}
	if full {
		out.History = cmp.Or(r.History, &history.History{}).Record()
	}
	return out
}

func lossOf(l oracle.Loss) loss {
	out := loss{Label: l.Label, Key: l.Key, Client: l.Client, Verb: l.Verb.String(), Class: l.Class, Dots: append([]string{}, dots(l.Dots)...), By: l.By, Acked: int64(l.Acked)}
	if l.By != "" {
		out.ByVerb = l.ByVerb.String()
	}
	return out
}

func dots(ds []logical.Dot) []string {
	var out []string
	for _, d := range ds {
		out = append(out, d.String())
	}
	return out
}
