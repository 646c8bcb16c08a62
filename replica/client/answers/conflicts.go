package answers

import (
	"context"

	"kvd/replica/client"
)

// Conflict is a dot with two contents, as one leader tells.
type Conflict struct {
	Dot     string
	By      string  // the leader whose origin it is; empty: not known
	Leader  string  // who tells
	Settled string  // by which op; empty: by none
	Here    Content // in its log
	There   Content // in another's
}

// Content is one write under a dot that has two.
type Content struct {
	Key, Kind string
	Value     client.Reply // null: a deletion
}

func contentOf(r client.Reply) Content {
	c := Content{Key: r.Field("key").Text, Kind: r.Field("kind").Text}
	if v := r.Field("value"); v.Kind == client.Text {
		c.Value = v
	}
	return c
}

// ConflictPage is a part of what one leader tells.
type ConflictPage struct {
	Conflicts []Conflict
	next      string   // the dot to go on after; empty: there are no more
	Omitted   int64    // how many it found and does not keep
	Open      int64    // how many are not settled, in all
	Refuses   []string // why the leader takes no writes: because another has its origin
}

// ConflictPageOf reads an answer of KVD.CONFLICTS of the leader of that name.
func ConflictPageOf(leader string, r client.Reply) ConflictPage {
	p := ConflictPage{next: r.Field("next").Text, Omitted: r.Field("omitted").Number, Open: r.Field("open").Number}
	for _, c := range r.Field("conflicts").Items {
		p.Conflicts = append(p.Conflicts, Conflict{c.Field("dot").Text, c.Field("leader").Text, leader, c.Field("settled").Text, contentOf(c.Field("here")), contentOf(c.Field("there"))})
	}
	for _, why := range r.Field("refuses").Items {
		if why.Field("cause").Text == "shared-origin" {
			p.Refuses = append(p.Refuses, why.Field("detail").Text)
		}
	}
	return p
}

// ConflictWords is the command, for those that are open or for all.
func ConflictWords(open bool) []string {
	if open {
		return []string{"KVD.CONFLICTS", "OPEN"}
	}
	return []string{"KVD.CONFLICTS"}
}

// EachConflict goes on after the first page of a leader that calls itself by that name,
// until there are no more or do fails.
func EachConflict(ctx context.Context, l *client.Leader, name string, first ConflictPage, words []string, do func(Conflict) error) error {
	for page := first; ; {
		for _, c := range page.Conflicts {
			if err := do(c); err != nil {
				return err
			}
		}
		if page.next == "" || l == nil {
			return nil
		}
		r, err := l.Do(ctx, append(append([]string{}, words...), "AFTER", page.next)...)
		if err != nil {
			return err
		}
		page = ConflictPageOf(name, r)
	}
}

// OpenConflicts is the first open ones of a leader, and the leader as it calls itself.
func OpenConflicts(ctx context.Context, l *client.Leader) (name string, p ConflictPage, err error) {
	r, err := l.Do(ctx, ConflictWords(true)...)
	name = r.Field("leader").Text
	return name, ConflictPageOf(name, r), err
}
