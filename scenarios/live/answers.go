package live

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"kvd/logical"
	"kvd/resolve"
	"kvd/scenarios/oracle"
	"kvd/wallclock"
)

// written is the reply to a write, with evidence.
type written struct {
	dot   logical.Dot
	over  []logical.Dot
	shown oracle.Reading
	delta int64
	value string // an increment's outcome
	retry bool
	// unseen says that nobody saw the reply: the write was found in a log.
	unseen bool
	wall   wallclock.Interval
	seen   string // a token of all the client has seen
}

// got is the reply to a read, with evidence.
type got struct {
	reading oracle.Reading
	token   string // for writing over exactly this
	seen    string
}

func readWritten(r reply) (w written, err error) {
	if w.dot, err = logical.ParseDot(r.field("dot").text); err != nil {
		return w, fmt.Errorf("reply to a write: %w; is the leader of this version?", err)
	}
	if w.over, err = dots(r.field("over")); err == nil {
		w.shown.Dots, err = dots(r.field("shown"))
	}
	w.shown.Values = r.field("values").texts()
	w.delta, w.value, w.retry = r.field("delta").int(), r.field("value").text, r.field("retry").int() == 1
	if wall := r.field("wall").items; len(wall) == 2 {
		w.wall = wallclock.Interval{Earliest: wallclock.Instant(wall[0].int()), Latest: wallclock.Instant(wall[1].int())}
	}
	w.seen = r.field("seen").text
	return w, err
}

func readGot(r reply) (g got, err error) {
	g.reading.Dots, err = dots(r.field("dots"))
	g.reading.Values = r.field("values").texts()
	g.token, g.seen = r.field("token").text, r.field("seen").text
	if err == nil && g.seen == "" {
		err = fmt.Errorf("reply to a read: it names no token; is the leader of this version?")
	}
	return g, err
}

func dots(r reply) ([]logical.Dot, error) {
	var out []logical.Dot
	for _, text := range r.texts() {
		d, err := logical.ParseDot(text)
		if err != nil {
			return nil, fmt.Errorf("reply: %w", err)
		}
		out = append(out, d)
	}
	return out, nil
}

// readFrontier takes a map from origins to how far their logs are applied.
func readFrontier(r reply) (logical.Frontier, error) {
	var f logical.Frontier
	for i := 0; i+1 < len(r.items); i += 2 {
		d, err := logical.ParseDot(r.items[i].text + "-" + r.items[i+1].text)
		if err != nil {
			return f, fmt.Errorf("frontier: %w", err)
		}
		f = f.Join(logical.FrontierOf(d))
	}
	return f, nil
}

func readLosses(r reply) ([]resolve.Loss, error) {
	var out []resolve.Loss
	for _, it := range r.items {
		id, err := resolve.ParseID(it.field("resolver").text)
		if err != nil {
			return nil, fmt.Errorf("ledger: %w", err)
		}
		l := resolve.Loss{Resolver: id, Relation: relation(it.field("relation").text), Key: it.field("key").text}
		if l.Loser, err = logical.ParseDot(it.field("loser").text); err != nil {
			return nil, fmt.Errorf("ledger: %w", err)
		}
		if w := it.field("winner"); w.kind != 0 {
			if l.Winner, err = logical.ParseDot(w.text); err != nil {
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

// remembered is a write as a leader's log has it.
type remembered struct {
	dot            logical.Dot
	client, number uint64
	over           []logical.Dot
	delta          int64
	wall           wallclock.Interval
}

// readHistory takes what KVD.HISTORY answers and leaves out ops without an
// identity.
func readHistory(r reply) ([]remembered, error) {
	var out []remembered
	for _, it := range r.items {
		who, which, ok := strings.Cut(it.field("client").text, "/")
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
		op := remembered{client: client, number: number, delta: it.field("delta").int()}
		op.wall = wallclock.Around(wallclock.Instant(it.field("wall").int()), time.Duration(it.field("error").int()))
		if op.dot, err = logical.ParseDot(it.field("dot").text); err != nil {
			return nil, fmt.Errorf("history: %w", err)
		}
		if op.over, err = dots(it.field("parents")); err != nil {
			return nil, err
		}
		out = append(out, op)
	}
	return out, nil
}
