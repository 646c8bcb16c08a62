package answers

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"kvd/logical"
	"kvd/replica/client"
)

// LossQuery is which losses are asked for.
type LossQuery struct {
	Prefix, Relation string
	Resolver         string        // empty: the one that serves
	Back             time.Duration // since; zero: absolute
	Since            int64         // nanoseconds of Unix time; zero: all
	Limit            int
}

// words is the command, without its page.
func (q LossQuery) words(since int64) []string {
	words := []string{"KVD.LOSSES"}
	for _, o := range [][2]string{{"PREFIX", q.Prefix}, {"RELATION", q.Relation}, {"RESOLVER", q.Resolver}} {
		if o[1] != "" {
			words = append(words, o[0], o[1])
		}
	}
	if since > 0 {
		words = append(words, "SINCE", strconv.FormatInt(since, 10))
	}
	return words
}

// PageRows is how many rows are asked for at a time.
const PageRows = 1000

// To asks one leader, page by page. The error is a *client.Refusal.
func (q LossQuery) To(ctx context.Context, l *client.Leader) (Listing, error) {
	since := q.Since
	if q.Back > 0 {
		r, err := l.Do(ctx, "KVD.LOSSES", "COUNT", "1")
		if err != nil {
			return Listing{}, err
		}
		since = r.Field("now").Number - int64(q.Back)
	}
	return q.pages(ctx, l, since)
}

// pages asks for what was decided since then, in nanoseconds of the leader's clock.
func (q LossQuery) pages(ctx context.Context, l *client.Leader, since int64) (Listing, error) {
	var out Listing
	for cursor := ""; ; {
		page := PageRows
		if q.Limit > 0 {
			page = min(page, q.Limit-len(out.Rows))
		}
		words := append(q.words(since), "COUNT", strconv.Itoa(page))
		if cursor != "" {
			words = append(words, "AFTER", cursor)
		}
		r, err := l.Do(ctx, words...)
		if err != nil {
			return Listing{}, err
		}
		if err := out.take(l, r, cursor == ""); err != nil {
			return Listing{}, err
		}
		next := r.Field("next")
		if out.more = next.Kind != client.Null; !out.more || q.Limit > 0 && len(out.Rows) >= q.Limit {
			return out, nil
		}
		if next.Text == cursor {
			return Listing{}, client.NewRefusal(l, "KVD.LOSSES", errors.New("the answer says that there is more, and not where"))
		}
		cursor = next.Text
	}
}

// Listing is what one leader said about losses.
type Listing struct {
	client.Responder
	now     int64 // its clock
	Evicted int64
	Rows    []Row // by position
	more    bool  // there are others behind the last row
	moved   bool  // it applied something while it was asked
}

// take adds a page.
func (g *Listing) take(l *client.Leader, r client.Reply, first bool) error {
	v, err := client.ResponderOf(l, "KVD.LOSSES", r)
	if err != nil {
		return err
	}
	g.moved = g.moved || !first && v.Applied.Compare(g.Applied) != logical.Equal
	g.Responder, g.now, g.Evicted = v, r.Field("now").Number, r.Field("evicted").Number
	for _, item := range r.Field("rows").Items {
		one, err := rowOf(item)
		if err != nil {
			return client.NewRefusal(l, "KVD.LOSSES", fmt.Errorf("the answer cannot be read: %w", err))
		}
		g.Rows = append(g.Rows, one)
	}
	return nil
}

// Respondents is their names.
func Respondents(said []Listing) []string {
	var all []string
	for _, g := range said {
		all = append(all, g.Name)
	}
	return all
}
