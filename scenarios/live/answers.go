package live

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"kvd/logical"
	"kvd/replica/client/conn"
	"kvd/resolve"
	"kvd/scenarios/history"
	"kvd/scenarios/live/attempt"
	"kvd/wallclock"
)

type written struct {
	attempt.Acceptance
	value string // an increment's outcome
	seen  string // a token of all the client has seen
}

type got struct {
	reading history.Reading
	token   string // for writing over exactly this
	seen    string
}

func readWritten(r conn.Reply) (w written, err error) {
	if w.Dot, err = logical.ParseDot(r.Field("dot").Text); err != nil {
		return w, fmt.Errorf("reply to a write: %w; is the leader of this version?", err)
	}
	if w.Over, err = dots(r.Field("over")); err == nil {
		w.Shown.Dots, err = dots(r.Field("shown"))
	}
	w.Shown.Values = r.Field("values").Texts()
	w.Delta, w.value = integer(r.Field("delta")), r.Field("value").Text
	if wall := r.Field("wall").Items; len(wall) == 2 {
		w.Wall = wallclock.Interval{Earliest: wallclock.Instant(integer(wall[0])), Latest: wallclock.Instant(integer(wall[1]))}
	}
	w.seen = r.Field("seen").Text
	return w, err
}

func present(r conn.Reply) bool { return r.Kind != 0 && !r.Null }

// integer is what a reply says as a number or as a text; zero if it is no number.
func integer(r conn.Reply) int64 {
	n, _ := strconv.ParseInt(r.Text, 10, 64)
	return n
}

func readGot(r conn.Reply) (g got, err error) {
	g.reading.Dots, err = dots(r.Field("dots"))
	g.reading.Values = r.Field("values").Texts()
	g.token, g.seen = r.Field("token").Text, r.Field("seen").Text
	if err == nil && g.seen == "" {
		err = fmt.Errorf("reply to a read: it names no token; is the leader of this version?")
	}
	return g, err
}

func dots(r conn.Reply) ([]logical.Dot, error) {
	var out []logical.Dot
	for _, text := range r.Texts() {
		d, err := logical.ParseDot(text)
		if err != nil {
			return nil, fmt.Errorf("reply: %w", err)
		}
		out = append(out, d)
	}
	return out, nil
}

// readFrontier takes a map from origins to how far their logs are applied.
func readFrontier(r conn.Reply) (logical.Frontier, error) {
	var f logical.Frontier
	for i := 0; i+1 < len(r.Items); i += 2 {
		d, err := logical.ParseDot(r.Items[i].Text + "-" + r.Items[i+1].Text)
		if err != nil {
			return f, fmt.Errorf("frontier: %w", err)
		}
		f = f.Join(logical.FrontierOf(d))
	}
	return f, nil
}

func readLosses(r conn.Reply) ([]resolve.Loss, error) {
	var out []resolve.Loss
	for _, it := range r.Items {
		id, err := resolve.ParseID(it.Field("resolver").Text)
		if err != nil {
			return nil, fmt.Errorf("ledger: %w", err)
		}
		l := resolve.Loss{Resolver: id, Relation: relation(it.Field("relation").Text), Key: it.Field("key").Text}
		if l.Loser, err = logical.ParseDot(it.Field("loser").Text); err != nil {
			return nil, fmt.Errorf("ledger: %w", err)
		}
		if w := it.Field("winner"); present(w) {
			if l.Winner, err = logical.ParseDot(w.Text); err != nil {
				return nil, fmt.Errorf("ledger: %w", err)
			}
		}
		out = append(out, l)
	}
	return out, nil
}

func relation(name string) resolve.Relation {
	for _, r := range []resolve.Relation{resolve.Superseded, resolve.Inverted, resolve.Concurrent} {
		if r.String() == name {
			return r
		}
	}
	return 0
}

// logged is a write as a leader's log has it.
type logged struct {
	attempt.Identity
	attempt.Acceptance
}

// readHistory takes what KVD.HISTORY answers and leaves out ops without an
// identity.
func readHistory(r conn.Reply) ([]logged, error) {
	var out []logged
	for _, it := range r.Items {
		who, which, ok := strings.Cut(it.Field("client").Text, "/")
		if !ok {
			continue
		}
		client, err := strconv.ParseUint(who, 16, 64)
		if err != nil {
			return nil, fmt.Errorf("history: client %q: %w", who, err)
		}
		number, err := strconv.ParseUint(which, 10, 64)
		if err != nil {
			return nil, fmt.Errorf("history: request %q: %w", which, err)
		}
		op := logged{attempt.Identity{Client: client, Number: number}, attempt.Acceptance{Delta: integer(it.Field("delta")), Unseen: true}}
		op.Wall = wallclock.Around(wallclock.Instant(integer(it.Field("wall"))), time.Duration(integer(it.Field("error"))))
		if op.Dot, err = logical.ParseDot(it.Field("dot").Text); err != nil {
			return nil, fmt.Errorf("history: %w", err)
		}
		if op.Over, err = dots(it.Field("parents")); err != nil {
			return nil, err
		}
		out = append(out, op)
	}
	return out, nil
}
