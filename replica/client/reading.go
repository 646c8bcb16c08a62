package client

import (
	"context"
	"slices"

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
