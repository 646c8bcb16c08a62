package client

import (
	"context"
	"errors"
	"iter"
	"slices"
	"strings"

	"kvd/resolve/limits"
)

// Reading is everything that a key shows, as KVD.GET answers it.
type Reading struct {
	Key      string
	Values   []string
	Token    string
	Resolver string
}

// Read asks for everything a key shows, at a leader that has what the token has
// seen; an empty one has seen nothing.
func (l *Leader) Read(ctx context.Context, key, token string) (Reading, error) {
	r, err := l.Do(ctx, append([]string{"KVD.GET", key}, TokenWords(token)...)...)
	return readingOf(key, r), err
}

func readingOf(key string, r Reply) Reading {
	return Reading{key, r.Field("values").Texts(), r.Field("token").Text, r.Field("resolver").Text}
}

// TokenWords is how a token goes with a command; none if it is empty.
func TokenWords(token string) []string {
	if token == "" {
		return nil
	}
	return []string{"TOKEN", token}
}

// Comparison is what each leader shows of a key.
type Comparison struct {
	Key     string
	Leaders []*Leader
	Values  [][]string // of each leader, in its order
}

// Compare asks every leader for the keys, one leader after another. The error is
// a *Refusal.
func Compare(ctx context.Context, leaders []*Leader, keys []string) ([]Comparison, error) {
	all := make([]Comparison, len(keys))
	commands := make([][]string, len(keys))
	for i, key := range keys {
		all[i] = Comparison{key, leaders, make([][]string, len(leaders))}
		commands[i] = []string{"KVD.GET", key}
	}
	for j, l := range leaders {
		replies, err := l.pipeline(ctx, l.options.Timeout, commands)
		if err != nil {
			return nil, err
		}
		for i, r := range replies {
			all[i].Values[j] = readingOf(keys[i], r).Values
		}
	}
	return all, nil
}

// Apart reports whether a leader shows something else than the first.
func (c Comparison) Apart(i int) bool { return !SameValues(c.Values[i], c.Values[0]) }

// Same reports whether all leaders show the same values, in whatever order.
func (c Comparison) Same() bool {
	for i := range c.Values {
		if c.Apart(i) {
			return false
		}
	}
	return true
}

// SameValues reports whether two leaders show the same, in whatever order.
func SameValues(a, b []string) bool {
	return slices.Equal(slices.Sorted(slices.Values(a)), slices.Sorted(slices.Values(b)))
}

// MaxValue is the limit of a value.
const MaxValue = limits.Value

// Glob is a pattern that matches the text alone.
func Glob(text string) string {
	return strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`).Replace(text)
}

// Keys are a leader's keys that match a pattern, in the order the leader gives them; an
// empty one matches all. An error, a *Refusal, is the last one.
func (l *Leader) Keys(ctx context.Context, pattern string) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		words := []string{"SCAN", "0", "COUNT", "1000"}
		if pattern != "" {
			words = append(words, "MATCH", pattern)
		}
		for {
			r, err := l.Do(ctx, words...)
			if err == nil && len(r.Items) != 2 {
				err = &Refusal{l, "SCAN", errors.New("the answer is no cursor and keys")}
			}
			if err != nil {
				yield("", err)
				return
			}
			for _, key := range r.Items[1].Items {
				if !yield(key.Text, nil) {
					return
				}
			}
			if words[1] = r.Items[0].Text; words[1] == "0" {
				return
			}
		}
	}
}

// MergedKeys is the keys of several leaders that match a pattern, each once: leaders give
// their keys in order. It holds one answer of each. An error, a *Refusal, is the last one.
func MergedKeys(ctx context.Context, leaders []*Leader, pattern string) iter.Seq2[string, error] {
	var all []iter.Seq2[string, error]
	for _, l := range leaders {
		all = append(all, l.Keys(ctx, pattern))
	}
	return merged(all)
}

func merged(all []iter.Seq2[string, error]) iter.Seq2[string, error] {
	type head struct {
		next func() (string, error, bool)
		key  string
		more bool
	}
	return func(yield func(string, error) bool) {
		var heads []*head
		for _, keys := range all {
			next, stop := iter.Pull2(keys)
			defer stop()
			heads = append(heads, &head{next: next})
		}
		for least, begun := "", false; ; begun = true {
			for _, h := range heads {
				if begun && h.key != least {
					continue
				}
				var err error
				if h.key, err, h.more = h.next(); err != nil {
					yield("", err)
					return
				}
			}
			heads = slices.DeleteFunc(heads, func(h *head) bool { return !h.more })
			if len(heads) == 0 {
				return
			}
			least = slices.MinFunc(heads, func(a, b *head) int { return strings.Compare(a.key, b.key) }).key
			if !yield(least, nil) {
				return
			}
		}
	}
}
