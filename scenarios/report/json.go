package report

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"io"

	"kvd/scenarios"
	"kvd/scenarios/history"
	"kvd/scenarios/oracle"
)

// entire is a result as JSON has it: what it comes to, every loss, and all that it takes
// to find these again (see the package comment).
type entire struct {
	*scenarios.Result
	History *history.Record `json:"history,omitempty"`
}

// JSON writes one array with a line for each result. Nothing is null: a key that is
// absent has an empty list of values.
func JSON(w io.Writer, results []*scenarios.Result) error { return array(w, results, true) }

// array leaves histories out unless full: traces that are kept beside it have them.
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
	c.Losses = append([]oracle.Loss{}, r.Losses...)
	if r.Serving == nil {
		c.Serving = map[string]string{}
	}
	out := entire{Result: &c}
	if full {
		out.History = cmp.Or(r.History, &history.History{}).Record()
	}
	return out
}
