package client

import (
	"context"
	"errors"
	"strings"
)

// Glob is a pattern that matches the text alone.
func Glob(text string) string {
	return strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`).Replace(text)
}

// keys is a leader's keys, one by one, in the order the leader gives them.
type keys struct {
	l       *Leader
	pattern string // empty: all
	cursor  string // empty: not begun
	page    []string
}

// Keys are those that match a pattern; an empty one matches all.
func (l *Leader) Keys(pattern string) *keys { return &keys{l: l, pattern: pattern} }

// Next is the next key; false: there is none. The error is a *Refusal.
func (w *keys) Next(ctx context.Context) (string, bool, error) {
	for len(w.page) == 0 {
		if w.cursor == "0" {
			return "", false, nil
		}
		if err := w.step(ctx); err != nil {
			return "", false, err
		}
	}
	key := w.page[0]
	w.page = w.page[1:]
	return key, true, nil
}

func (w *keys) step(ctx context.Context) error {
	words := []string{"SCAN", w.cursor, "COUNT", "1000"}
	if w.cursor == "" {
		words[1] = "0"
	}
	if w.pattern != "" {
		words = append(words, "MATCH", w.pattern)
	}
	r, err := w.l.Do(ctx, words...)
	if err != nil {
		return err
	}
	if len(r.Items) != 2 {
		return &Refusal{w.l, "SCAN", errors.New("the answer is no cursor and keys")}
	}
	w.cursor, w.page = r.Items[0].Text, r.Items[1].Texts()
	return nil
}

// merged is the keys of several leaders, each once. It holds one answer of each:
// leaders give their keys in order.
type merged struct {
	from  []*keys
	heads []*string // the next key of each; nil: to be asked for, or at the end
}

// MergedKeys is the keys of all leaders that match a pattern.
func MergedKeys(leaders []*Leader, pattern string) *merged {
	m := &merged{heads: make([]*string, len(leaders))}
	for _, l := range leaders {
		m.from = append(m.from, l.Keys(pattern))
	}
	return m
}

// Take is the next n keys at most; none: there are no more.
func (m *merged) Take(ctx context.Context, n int) ([]string, error) {
	var keys []string
	for len(keys) < n {
		key, err := m.next(ctx)
		if err != nil || key == nil {
			return keys, err
		}
		keys = append(keys, *key)
	}
	return keys, nil
}

// next is the least key that any leader has next; nil: none has any.
func (m *merged) next(ctx context.Context) (*string, error) {
	var least *string
	for i, w := range m.from {
		if m.heads[i] == nil {
			key, ok, err := w.Next(ctx)
			if err != nil {
				return nil, err
			}
			if !ok {
				continue
			}
			m.heads[i] = &key
		}
		if least == nil || *m.heads[i] < *least {
			least = m.heads[i]
		}
	}
	for i, h := range m.heads {
		if h != nil && *h == *least {
			m.heads[i] = nil
		}
	}
	return least, nil
}
