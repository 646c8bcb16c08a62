package client

import (
	"context"
	"errors"
	"iter"
	"slices"
	"strings"
)

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
