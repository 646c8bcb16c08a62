package page

import (
	"encoding/json"
	"strconv"
	"time"
)

// wide is a number that a browser can read without rounding it.
type wide int64

const maxExact = 1<<53 - 1 // the greatest integer that is exact as a float64 with all below it

// MarshalJSON writes what is beyond maxExact as a string.
func (n wide) MarshalJSON() ([]byte, error) {
	text := strconv.FormatInt(int64(n), 10)
	if n > maxExact || n < -maxExact {
		text = strconv.Quote(text)
	}
	return []byte(text), nil
}

// columns is a list of things by column.
type columns map[string]any

func column[T, C any](list []T, cell func(i int, t *T) C) []C {
	out := make([]C, len(list))
	for i := range list {
		out[i] = cell(i, &list[i])
	}
	return out
}

// rising is a column of times as differences to the row before.
func rising[T any](list []T, at func(*T) time.Duration) []wide {
	before := time.Duration(0)
	return column(list, func(_ int, t *T) wide {
		now := at(t)
		d := now - before
		before = now
		return wide(d)
	})
}

// since is a time as the difference to another, plus one; zero: never.
func since(t, from time.Duration) wide {
	switch {
	case t == Never:
		return 0
	case t >= from:
		return wide(t - from + 1)
	}
	return wide(t - from)
}

// encoder numbers the texts of a story.
type encoder struct {
	texts []string
	known map[string]int
}

func (e *encoder) text(s string) int {
	i, ok := e.known[s]
	if !ok {
		i = len(e.texts)
		e.known[s] = i
		e.texts = append(e.texts, s)
	}
	return i
}

// Version is that of the data's shape.
const Version = 1

// Encode is a story as the page's script reads it; see the package comment. It fails for a
// story that is not valid.
func Encode(s *Story) ([]byte, error) {
	if err := s.Validate(); err != nil {
		return nil, err
	}
	e := &encoder{known: map[string]int{}}
	runs := make([]map[string]any, len(s.Runs))
	for i := range s.Runs {
		runs[i] = e.run(&s.Runs[i])
	}
	return json.Marshal(map[string]any{
		"version": Version, "name": s.Name, "title": s.Title, "zero": s.Zero.UTC().Format(time.RFC3339Nano), "again": s.Again,
		"lanes": column(s.Lanes, func(_ int, l *Lane) any {
			return map[string]any{"name": l.Name, "leader": l.Leader, "home": l.Home}
		}),
		"keys": s.Keys, "runs": runs, "texts": e.texts,
	})
}

func (e *encoder) run(r *Run) map[string]any {
	return map[string]any{
		"name": r.Name, "counts": r.Counts, "end": wide(r.End), "notes": append([]string{}, r.Notes...),
		"ops": e.ops(r.Ops), "messages": e.messages(r.Messages), "readings": e.readings(r.Readings), "losses": e.losses(r.Losses),
		"bands": column(r.Bands, func(_ int, b *Band) any {
			return map[string]any{"kind": b.Kind, "lanes": append([]int{}, b.Lanes...), "from": wide(b.From), "to": wide(b.To), "words": b.Words}
		}),
		"clocks": column(r.Clocks, func(_ int, c *Clock) any {
			return map[string]any{
				"lane": c.Lane, "at": rising(c.Points, func(p *ClockPoint) time.Duration { return p.At }),
				"offset": column(c.Points, func(_ int, p *ClockPoint) wide { return wide(p.Offset) }),
				"error":  column(c.Points, func(_ int, p *ClockPoint) wide { return wide(p.Error) }),
			}
		}),
		"promises": column(r.Promises, func(_ int, p *Promise) any {
			return map[string]any{"words": p.Words, "held": p.Held, "why": p.Why}
		}),
	}
}

func (e *encoder) ops(ops []Op) columns {
	return columns{
		"label":    column(ops, func(_ int, o *Op) string { return o.Label }),
		"dot":      column(ops, func(_ int, o *Op) []any { return e.dot(o.Dot) }),
		"key":      column(ops, func(_ int, o *Op) int { return o.Key }),
		"client":   column(ops, func(_ int, o *Op) int { return o.Client }),
		"leader":   column(ops, func(_ int, o *Op) int { return o.Leader }),
		"at":       rising(ops, func(o *Op) time.Duration { return o.At }),
		"acked":    column(ops, func(_ int, o *Op) wide { return since(o.Acked, o.At) }),
		"words":    column(ops, func(_ int, o *Op) int { return e.text(o.Words) }),
		"value":    column(ops, func(_ int, o *Op) int { return e.text(o.Value) }),
		"delete":   column(ops, func(_ int, o *Op) int { return bit(o.Delete) }),
		"stamped":  column(ops, func(_ int, o *Op) int { return int(o.Stamped) }),
		"earliest": column(ops, func(_ int, o *Op) wide { return wide(o.Earliest - o.At) }),     // to at
		"latest":   column(ops, func(_ int, o *Op) wide { return wide(o.Latest - o.Earliest) }), // to earliest
		"hlc":      column(ops, func(_ int, o *Op) wide { return wide(o.HLCWall - o.Latest) }),  // to latest
		"count":    column(ops, func(_ int, o *Op) wide { return wide(o.HLCCount) }),
		"lamport":  column(ops, func(_ int, o *Op) wide { return wide(o.Lamport) }),
		// How many rows before its own.
		"over": column(ops, func(i int, o *Op) []int { return column(o.Over, func(_ int, p *int) int { return i - *p }) }),
	}
}

// dot is the text before the last hyphen, numbered, and what follows it.
func (e *encoder) dot(d string) []any {
	for i := len(d) - 1; i > 0; i-- {
		if n, err := strconv.ParseInt(d[i+1:], 10, 64); d[i] == '-' && err == nil {
			return []any{e.text(d[:i]), wide(n)}
		}
	}
	return []any{e.text(d)}
}

func bit(b bool) int {
	if b {
		return 1
	}
	return 0
}

func (e *encoder) messages(ms []Message) columns {
	before := 0
	return columns{
		"kind": column(ms, func(_ int, m *Message) int { return int(m.Kind) }),
		"from": column(ms, func(_ int, m *Message) int { return m.From }),
		"to":   column(ms, func(_ int, m *Message) int { return m.To }),
		"op": column(ms, func(_ int, m *Message) int { // to the row before
			d := m.Op - before
			before = m.Op
			return d
		}),
		"sent":    rising(ms, func(m *Message) time.Duration { return m.Sent }),
		"arrives": column(ms, func(_ int, m *Message) wide { return since(m.Arrives, m.Sent) }),
		"applied": column(ms, func(_ int, m *Message) wide { return since(m.Applied, max(m.Arrives, m.Sent)) }),
		"words":   column(ms, func(_ int, m *Message) int { return e.text(m.Words) }),
		"again":   column(ms, func(_ int, m *Message) int { return m.Again }),
		"guessed": column(ms, func(_ int, m *Message) int { return bit(m.Guessed) }),
	}
}

func (e *encoder) readings(rs []Reading) columns {
	before := 0
	return columns{
		"at":   rising(rs, func(r *Reading) time.Duration { return r.At }),
		"lane": column(rs, func(_ int, r *Reading) int { return r.Lane }),
		"key":  column(rs, func(_ int, r *Reading) int { return r.Key }),
		// Each to the one before it in the row; the first to the first of the last row that has any.
		"ops": column(rs, func(_ int, r *Reading) []int {
			last := before
			return column(r.Ops, func(i int, o *int) int {
				d := *o - last
				if last = *o; i == 0 {
					before = *o
				}
				return d
			})
		}),
		"text": column(rs, func(_ int, r *Reading) int { return e.text(r.Text) }),
	}
}

func (e *encoder) losses(ls []Loss) columns {
	return columns{
		"op":    column(ls, func(_ int, l *Loss) int { return l.Op }),
		"by":    column(ls, func(_ int, l *Loss) int { return l.By }),
		"left":  column(ls, func(_ int, l *Loss) int { return l.Left }),
		"class": column(ls, func(_ int, l *Loss) int { return e.text(l.Class) }),
		"at":    rising(ls, func(l *Loss) time.Duration { return l.At }),
		"lane":  column(ls, func(_ int, l *Loss) int { return l.Lane }),
		"why":   column(ls, func(_ int, l *Loss) int { return e.text(l.Why) }),
		"until": column(ls, func(_ int, l *Loss) wide { return wide(l.Until) }),
		"avoid": column(ls, func(_ int, l *Loss) int { return e.text(l.Avoid) }),
	}
}
