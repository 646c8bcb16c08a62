package answers

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"kvd/replica/client/merge"

	"kvd/logical"
	"kvd/replica/client"
	"kvd/replica/ledger"
	"kvd/resolve"
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

// LossList is what all leaders said.
type LossList struct {
	Losses  []Loss
	Differs []string
	More    bool
	Missing []client.Absentee
}

// MergeLosses merges what leaders said. Of those that have more than was asked for,
// only what all were asked about is taken, or the rest would seem to differ.
func MergeLosses(said []Listing, missing []client.Absentee, w LossQuery) LossList {
	out := LossList{Missing: missing}
	last, bounded := horizon(said, w.Limit)
	out.More = bounded
	rows := map[Position]Row{}
	var answers []merge.Answer
	for i, g := range said {
		a := merge.Answer{Leader: g.Name, Applied: g.Applied, Evicted: uint64(g.Evicted)}
		if g.moved {
			// What was read at several moments agrees with nobody's one moment.
			a.Applied = logical.FrontierOf(logical.Dot{Origin: ^logical.Origin(i), Seq: 1})
		}
		if w.Back > 0 || w.Since > 0 {
			a.Evicted++ // each leaves out by its own clock what another may have
		}
		for _, r := range g.Rows {
			if bounded && r.Position().compare(last) > 0 {
				continue
			}
			a.Rows = append(a.Rows, ledger.LossRecord{Loss: r.Loss})
			if _, has := rows[r.Position()]; !has {
				rows[r.Position()] = r
			}
		}
		answers = append(answers, a)
	}
	merged := merge.Losses(answers)
	for _, f := range merged.Rows {
		out.Losses = append(out.Losses, Loss{rows[positionOf(&f.Loss)], f.By})
	}
	slices.SortStableFunc(out.Losses, func(a, b Loss) int { return a.Position().compare(b.Position()) })
	for _, d := range merged.Differences {
		out.Differs = append(out.Differs, d.Text())
	}
	return out
}

// horizon is the last position that every leader was asked about, if there are rows
// behind it.
func horizon(said []Listing, limit int) (last Position, bounded bool) {
	var all []Position
	for _, g := range said {
		for _, r := range g.Rows {
			all = append(all, r.Position())
		}
		if n := len(g.Rows); g.more && n > 0 && (!bounded || g.Rows[n-1].Position().compare(last) < 0) {
			last, bounded = g.Rows[n-1].Position(), true
		}
	}
	slices.SortFunc(all, Position.compare)
	all = slices.Compact(all)
	if limit > 0 && len(all) > limit && (!bounded || all[limit-1].compare(last) < 0) {
		last, bounded = all[limit-1], true
	}
	return last, bounded
}

// Respondents is their names.
func Respondents(said []Listing) []string {
	var all []string
	for _, g := range said {
		all = append(all, g.Name)
	}
	return all
}

// Relations are the names of the ways to lose.
func Relations() []string { return []string{resolve.Inverted.String(), resolve.Concurrent.String()} }

// CheckResolver refuses a name that is no resolver's.
func CheckResolver(name string) error {
	_, err := resolve.ParseID(name)
	return err
}
