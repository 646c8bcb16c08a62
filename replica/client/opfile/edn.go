package opfile

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"math/big"
	"slices"
	"strings"

	"olympos.io/encoding/edn"

	"kvd/wallclock"
)

// invoked is an invocation that waits for its completion.
type invoked struct {
	line  int
	f     string
	value any
	rec   record
	keyed bool
}

// maxOpen is how many processes may have an op under way.
const maxOpen = 1 << 20

func (r *reading) edn(in io.Reader) error {
	all := &forms{in: bufio.NewReaderSize(in, 64<<10), line: 1}
	open := map[int64]*invoked{}
	var text []byte
	for {
		form, line, err := all.next(text)
		if errors.Is(err, io.EOF) {
			return r.unfinished(open)
		}
		if err != nil {
			return errors.Join(r.mistake(line, err.Error()), errEnough)
		}
		text = form
		if err := r.event(form, line, open); err != nil {
			return err
		}
	}
}

// unfinished gives on the ops that nothing completed.
func (r *reading) unfinished(open map[int64]*invoked) error {
	rest := make([]*invoked, 0, len(open))
	for _, i := range open {
		rest = append(rest, i)
	}
	slices.SortFunc(rest, func(a, b *invoked) int { return a.line - b.line })
	for _, i := range rest {
		i.rec.Type = "info"
		if err := r.complete(i, nil); err != nil {
			return err
		}
	}
	return nil
}

// event is one map of the history.
func (r *reading) event(form []byte, line int, open map[int64]*invoked) error {
	var e map[edn.Keyword]any
	if err := edn.Unmarshal(form, &e); err != nil {
		return r.mistake(line, "not EDN: "+err.Error())
	}
	process, ok := e["process"].(int64)
	if !ok {
		return nil // the nemesis
	}
	kind := word(e["type"])
	at, timed := e["time"].(int64)
	began := open[process]
	switch {
	case kind != "invoke" && kind != "ok" && kind != "info" && kind != "fail":
		return r.mistake(line, fmt.Sprintf(":type is %s; :invoke, :ok, :info or :fail was expected", show(e["type"])))
	case !timed:
		return r.mistake(line, ":time is missing or no whole number of nanoseconds")
	case kind == "invoke" && began != nil:
		return r.mistake(line, fmt.Sprintf("process %d has an op of line %d under way and begins another", process, began.line))
	case kind == "invoke" && len(open) == maxOpen:
		return r.mistake(line, fmt.Sprintf("more than %d processes have ops under way", maxOpen))
	case kind == "invoke":
		i, err := invocation(e, line)
		if err != nil {
			return r.mistake(line, err.Error())
		}
		i.rec.Client, i.rec.Start = text(fmt.Sprint(process)), instant{true, wallclock.Instant(at)}
		open[process] = i
		return nil
	case began == nil:
		return r.mistake(line, fmt.Sprintf("process %d completes what it has not begun", process))
	}
	delete(open, process)
	began.rec.Type, began.rec.End = kind, instant{true, wallclock.Instant(at)}
	if n := word(e["node"]); n != "" {
		began.rec.Node = text(n)
	}
	began.rec.Final = began.rec.Final || e["final?"] == true
	return r.complete(began, e["value"])
}

// invocation reads what was asked for.
func invocation(e map[edn.Keyword]any, line int) (*invoked, error) {
	f := word(e["f"])
	i := &invoked{line: line, f: f, value: e["value"]}
	i.rec.Op = map[string]string{"read": "get", "write": "set", "cas": "update", "add": "add"}[f]
	if i.rec.Op == "" {
		return nil, fmt.Errorf(":f is %s; :read, :write, :cas or :add was expected", show(e["f"]))
	}
	i.rec.Node = text(word(e["node"]))
	i.rec.Final = i.rec.Op == "get" && e["final?"] == true
	if pair, ok := i.value.([]any); ok && len(pair) == 2 {
		_, inner := pair[1].([]any)
		if i.keyed = f != "cas" || inner; i.keyed {
			key, err := atom(pair[0])
			if err != nil {
				return nil, fmt.Errorf("the key of an independent op: %w", err)
			}
			i.rec.Key, i.value = text(key), pair[1]
		}
	}
	return i, i.asked()
}

// asked reads the value of a write.
func (i *invoked) asked() error {
	switch i.f {
	case "read":
		return nil
	case "cas":
		pair, ok := i.value.([]any)
		if !ok || len(pair) != 2 {
			return fmt.Errorf("the :value of a :cas is a vector of the old value and the new one, not %s", show(i.value))
		}
		if err := i.rec.Shown.show(pair[0]); err != nil {
			return err
		}
		i.value = pair[1]
	}
	v, err := atom(i.value)
	if err != nil {
		return err
	}
	i.rec.Value.Known, i.rec.Value.Values = true, []string{v}
	return nil
}

// complete gives on an op, with what its completion showed if it is a read.
func (r *reading) complete(i *invoked, value any) error {
	if i.f == "read" && i.rec.Type == "ok" {
		if pair, ok := value.([]any); ok && i.keyed && len(pair) == 2 {
			value = pair[1]
		}
		if err := i.rec.Value.show(value); err != nil {
			return r.mistake(i.line, "what the read showed: "+err.Error())
		}
	}
	return r.put(i.line, &i.rec)
}

// show reads a value, a collection of them, or nil.
func (t *texts) show(v any) error {
	t.Known, t.Values = true, nil
	var items []any
	switch v := v.(type) {
	case nil:
		return nil
	case []any:
		items = v
	case map[any]bool:
		for item := range v {
			items = append(items, item)
		}
	default:
		items = []any{v}
	}
	for _, item := range items {
		s, err := atom(item)
		if err != nil {
			return err
		}
		t.Values = append(t.Values, s)
	}
	slices.Sort(t.Values)
	return nil
}

// word is a keyword or a text; empty: neither.
func word(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case edn.Keyword:
		return string(v)
	}
	return ""
}

// atom is a number, a text, a keyword, a symbol or a truth as text.
func atom(v any) (string, error) {
	switch v := v.(type) {
	case string, edn.Keyword, edn.Symbol, int64, float64, bool:
		return strings.TrimPrefix(fmt.Sprint(v), ":"), nil
	case big.Int:
		return v.String(), nil
	case nil:
		return "", errors.New("a value was expected, not nil")
	}
	return "", fmt.Errorf("a number or a text was expected, not %s", show(v))
}

// show is a piece of EDN for a message.
func show(v any) string {
	if v == nil {
		return "missing"
	}
	return short([]byte(fmt.Sprint(v)))
}
