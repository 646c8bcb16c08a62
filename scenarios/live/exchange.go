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
	"kvd/scenarios/script"
	"kvd/wallclock"
)

// answer is what came back for one attempt.
type answer struct {
	conn    *conn.Conn // to go on with; nil: broken
	got     got
	written written
	refused error
	lost    error // nothing came back
}

// ask sends a request and takes the answer down for the oracle, even one that the
// client no longer waits for.
func (c *client) ask(op operation, k *conn.Conn, to chan<- answer) {
	defer c.d.asking.Done()
	r := c.exchange(&op, k)
	if !op.Read {
		switch {
		case r.lost != nil:
			c.d.rec.Unanswered(c.identity(&op))
		case r.refused == nil:
			c.d.rec.Accepted(c.identity(&op), op.At, r.written.Acceptance)
		}
	}
	to <- r
}

// broken reports whether a connection is of no more use: anything but a refusal.
func broken(err error) bool { return err != nil && !conn.IsRefused(err) }

// writes is what the op behind a write holds.
func (op *operation) writes(w written) []string {
	switch {
	case op.Kind == script.OpDelete:
		return nil
	case op.Kind == script.OpSet:
		return []string{op.Value}
	case op.Exact:
		return []string{op.Made}
	}
	return []string{w.value}
}

// exchange is one command and its reply. A connection kept from before may have
// ended with its leader's process meanwhile; then the same request is sent on a
// new one, which changes nothing if it had arrived.
func (c *client) exchange(op *operation, k *conn.Conn) (a answer) {
	r, err := conn.Reply{}, error(nil)
	if k != nil {
		if r, err = k.Do(maxTimeout, op.command...); broken(err) {
			k.Close()
			k = nil
		}
	}
	if k == nil {
		if k, err = c.d.dial(op.At); err != nil {
			return answer{lost: err}
		}
		r, err = k.Do(maxTimeout, op.command...)
	}
	if broken(err) {
		k.Close()
		return answer{lost: err}
	}
	if err != nil {
		return answer{conn: k, refused: err}
	}
	a.conn = k
	if op.Read {
		a.got, err = readGot(r)
	} else {
		a.written, err = readWritten(r)
		a.written.Values = op.writes(a.written)
	}
	if err != nil {
		a.refused = err
		c.d.fail(err)
	}
	return a
}

// command is the present request as a leader takes it.
func (c *client) command(op *operation) []string {
	var words []string
	token := c.token
	switch {
	case op.Read:
		words = []string{"KVD.GET", op.Key}
	case op.Kind == script.OpSet:
		words = []string{"KVD.SET", op.Key, op.Value}
	case op.Kind == script.OpDelete:
		words = []string{"KVD.DEL", op.Key}
	case op.Exact:
		words, token = []string{"KVD.SET", op.Key, op.Made}, op.token
	default:
		words = []string{"KVD.INCR", op.Key, strconv.FormatInt(op.Amount, 10)}
	}
	if token != "" {
		words = append(words, "TOKEN", token)
	}
	if !op.Read {
		words = append(words, "REQUEST", strconv.FormatUint(c.id, 10), strconv.FormatUint(op.Number, 10))
	}
	return append(words, "EVIDENCE")
}

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
