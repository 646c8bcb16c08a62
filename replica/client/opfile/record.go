package opfile

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"kvd/resolve/blackbox"
	"kvd/wallclock"
)

// record is one line of a file before it is an op. Its JSON form is that of the file.
type record struct {
	Client text    `json:"client"`
	Node   text    `json:"node,omitempty"`
	Key    text    `json:"key"`
	Op     string  `json:"op"`
	Value  texts   `json:"value"`
	Shown  texts   `json:"shown"`
	Result texts   `json:"result"`
	Type   string  `json:"type,omitempty"`
	Start  instant `json:"start"`
	End    instant `json:"end"`
	Stamp  instant `json:"stamp"`
	Final  bool    `json:"final,omitempty"`
	About  string  `json:"about,omitempty"`
}

// fields is the names of a record's fields.
var fields = []string{"client", "node", "key", "op", "value", "shown", "result", "type", "start", "end", "stamp", "final"}

// text is a string, or a number as it stands.
type text string

// UnmarshalJSON takes a scalar.
func (t *text) UnmarshalJSON(raw []byte) error {
	s, err := scalar(raw)
	*t = text(s)
	return err
}

// scalar is a JSON string, number or truth as text.
func scalar(raw []byte) (string, error) {
	switch raw[0] {
	case '"':
		var s string
		err := json.Unmarshal(raw, &s)
		return s, err
	case '{', '[':
		return "", fmt.Errorf("a text or a number was expected, not %s", short(raw))
	case 'n':
		return "", errors.New("a text or a number was expected, not null")
	}
	return string(raw), nil
}

// texts is what a key showed.
type texts struct{ blackbox.Reading }

// UnmarshalJSON takes null, a scalar or a list of scalars.
func (t *texts) UnmarshalJSON(raw []byte) error {
	t.Known = true
	switch {
	case bytes.Equal(raw, []byte("null")):
		return nil
	case raw[0] != '[':
		s, err := scalar(raw)
		t.Values = []string{s}
		return err
	}
	var items []json.RawMessage
	if err := json.Unmarshal(raw, &items); err != nil {
		return err
	}
	t.Values = make([]string, len(items))
	for i, item := range items {
		s, err := scalar(bytes.TrimSpace(item))
		if err != nil {
			return err
		}
		t.Values[i] = s
	}
	return nil
}

// instant is a time: nanoseconds, or RFC 3339.
type instant struct {
	known bool
	at    wallclock.Instant
}

// UnmarshalJSON takes a number, or a string of either form.
func (i *instant) UnmarshalJSON(raw []byte) error {
	if bytes.Equal(raw, []byte("null")) {
		return nil
	}
	s, err := scalar(raw)
	if err != nil {
		return err
	}
	return i.parse(s)
}

func (i *instant) parse(s string) error {
	if n, err := strconv.ParseInt(s, 10, 64); err == nil {
		*i = instant{true, wallclock.Instant(n)}
		return nil
	}
	t, err := time.Parse(time.RFC3339Nano, s)
	if err != nil || t.Year() < 1678 || t.Year() > 2261 {
		return fmt.Errorf("a time is whole nanoseconds, or RFC 3339 such as 2024-05-01T12:00:00.25Z, not %.40q", s)
	}
	*i = instant{true, wallclock.Instant(t.UnixNano())}
	return nil
}

// outcomes is what a type means.
var outcomes = map[string]blackbox.Outcome{"": blackbox.Acked, "ok": blackbox.Acked, "info": blackbox.Indeterminate, "fail": blackbox.Failed}

// op makes an op of a record, or says what is missing.
func (r *record) op(line int) (*blackbox.Op, error) {
	verb, ok := blackbox.ParseVerb(r.Op)
	if !ok {
		return nil, fmt.Errorf("op is %.40q; one of %s was expected", r.Op, strings.Join(blackbox.Verbs(), ", "))
	}
	outcome, ok := outcomes[r.Type]
	switch {
	case !ok:
		return nil, fmt.Errorf("type is %.40q; ok, info or fail was expected", r.Type)
	case r.Client == "":
		return nil, errors.New("client is missing: who asked")
	case !r.Start.known:
		return nil, errors.New("start is missing: when it was sent")
	case !r.End.known && outcome != blackbox.Indeterminate:
		return nil, errors.New("end is missing: when the reply came; an op without a reply is of type info")
	}
	o := &blackbox.Op{Line: line, Client: string(r.Client), Node: string(r.Node), Key: string(r.Key), Verb: verb, Outcome: outcome,
		Start: r.Start.at, End: r.End.at, Stamp: r.Stamp.at, Final: r.Final}
	if err := r.values(o); err != nil {
		return nil, err
	}
	return o, o.Validate()
}

// values fills in what the verb makes of value, shown and result.
func (r *record) values(o *blackbox.Op) error {
	switch {
	case r.Shown.Known && o.Verb != blackbox.Update && o.Verb != blackbox.Add:
		return fmt.Errorf("shown belongs to update and add, not to %s", o.Verb)
	case r.Result.Known && o.Verb != blackbox.Incr:
		return fmt.Errorf("result belongs to incr, not to %s", o.Verb)
	case r.Final && o.Verb != blackbox.Get:
		return fmt.Errorf("final belongs to get, not to %s", o.Verb)
	}
	switch o.Verb {
	case blackbox.Get:
		o.Read = r.Value.Reading
		if o.Outcome == blackbox.Acked && !o.Read.Known {
			return errors.New("value is missing: what the get showed, null for absent")
		}
	case blackbox.Del:
		if len(r.Value.Values) > 0 {
			return errors.New("a del has no value")
		}
	case blackbox.Incr:
		return r.increment(o)
	default:
		if len(r.Value.Values) != 1 {
			return fmt.Errorf("value is missing: the one text that %s writes", o.Verb)
		}
		o.Value, o.Shown = r.Value.Values[0], r.Shown.Reading
		if o.Verb == blackbox.Update && !o.Shown.Known {
			return errors.New("shown is missing: what the update's author had been shown, null for absent; a write over whatever is there is a set")
		}
	}
	return nil
}

func (r *record) increment(o *blackbox.Op) error {
	o.Delta = 1
	if r.Value.Known {
		n, err := number(r.Value.Values)
		if err != nil || n == 0 {
			return errors.New("value of an incr is a whole number that is not zero")
		}
		o.Delta = n
	}
	if r.Result.Known {
		if _, err := number(r.Result.Values); err != nil {
			return errors.New("result of an incr is a whole number")
		}
		o.Read = r.Result.Reading
	}
	return nil
}

func number(values []string) (int64, error) {
	if len(values) != 1 {
		return 0, errors.New("not one number")
	}
	return strconv.ParseInt(values[0], 10, 64)
}

// short is the beginning of a text for a message.
func short(raw []byte) string {
	if len(raw) > 40 {
		return fmt.Sprintf("%q…", raw[:40])
	}
	return fmt.Sprintf("%q", raw)
}
