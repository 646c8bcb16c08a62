package answers

import (
	"cmp"
	"context"

	"kvd/replica/client"
)

// Conflict is a dot with two contents, as one leader tells: a map of dot, leader (whose
// origin it is; empty: not known), settled (by which op; empty: by none), here (in its log)
// and there (in another's). A content is a map of key, kind and value.
type Conflict struct {
	client.Reply
	Leader string // who tells
}

// ConflictPage is a part of what one leader tells.
type ConflictPage struct {
	By        *client.Leader
	Leader    string // as it calls itself
	Conflicts []Conflict
	Omitted   int64    // how many it found and does not keep
	Open      int64    // how many are not settled, in all
	Refuses   []string // why the leader takes no writes: because another has its origin
	words     []string // the command
	next      string   // the dot to go on after; empty: there are no more
}

// Conflicts asks a leader for its first ones: those that are open, or all. The error is a
// *client.Refusal.
func Conflicts(ctx context.Context, l *client.Leader, open bool) (ConflictPage, error) {
	words := []string{"KVD.CONFLICTS"}
	if open {
		words = append(words, "OPEN")
	}
	return conflictsOf(ctx, l, words)
}

func conflictsOf(ctx context.Context, l *client.Leader, words []string, after ...string) (ConflictPage, error) {
	r, err := l.Do(ctx, append(words[:len(words):len(words)], after...)...)
	if err != nil {
		return ConflictPage{}, err
	}
	p := ConflictPage{By: l, Leader: cmp.Or(r.Field("leader").Text, l.Name), Omitted: r.Field("omitted").Int, Open: r.Field("open").Int, words: words, next: r.Field("next").Text}
	for _, c := range r.Field("conflicts").Items {
		p.Conflicts = append(p.Conflicts, Conflict{c, p.Leader})
	}
	for _, why := range r.Field("refuses").Items {
		if why.Field("cause").Text == "shared-origin" {
			p.Refuses = append(p.Refuses, why.Field("detail").Text)
		}
	}
	return p, nil
}

// Each gives those of the page and of the pages behind it, until there are no more or do
// fails.
func (p ConflictPage) Each(ctx context.Context, do func(Conflict) error) error {
	for {
		for _, c := range p.Conflicts {
			if err := do(c); err != nil {
				return err
			}
		}
		if p.next == "" {
			return nil
		}
		var err error
		if p, err = conflictsOf(ctx, p.By, p.words, "AFTER", p.next); err != nil {
			return err
		}
	}
}
