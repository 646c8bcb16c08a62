package replica

import (
	"errors"
	"fmt"
	"slices"

	"kvd/logical"
	"kvd/resolve"
)

// What one request may ask for at most. A write beyond them is refused where it
// is born, because an op that some leader could not store would stop it, and one
// that is missing can never be passed over.
const (
	MaxKey   = 64 << 10 // bytes
	MaxValue = 32 << 20 // bytes
	MaxDots  = 4096     // versions shown, overwritten or hidden
)

// maxLamport is the greatest stamp a token may carry: one forged token above it
// could wear the counter out for the whole cluster.
const maxLamport logical.Lamport = 1 << 62

// String names the verb.
func (v Verb) String() string {
	switch v {
	case Get:
		return "get"
	case Set:
		return "set"
	case Remove:
		return "remove"
	case Incr:
		return "incr"
	}
	return fmt.Sprintf("verb %d", uint8(v))
}

// request is where a client's journey begins.
func (t *turn) request(q *Request) {
	if err := q.check(); err != nil {
		t.refuse(q, err)
		return
	}
	if !t.covers(q) {
		t.park(q)
		return
	}
	t.serve(q)
}

// check finds the client's mistakes that need no look at the data, and puts the
// dots it was shown in order.
func (q *Request) check() error {
	switch {
	case q.Verb < Get || q.Verb > Incr:
		return fmt.Errorf("%s %q: %w: ask for get, set, remove or incr", q.Verb, q.Key, ErrBadRequest)
	case q.Key == "":
		return fmt.Errorf("%s: %w: the key is empty; name one", q.Verb, ErrBadRequest)
	case len(q.Key) > MaxKey || len(q.Value) > MaxValue || len(q.Shown) > MaxDots:
		return fmt.Errorf("%s %.64q: %w: %d bytes of key, %d of value, %d dots shown; the limits are %d, %d and %d",
			q.Verb, q.Key, ErrBadRequest, len(q.Key), len(q.Value), len(q.Shown), MaxKey, MaxValue, MaxDots)
	case q.Token.Lamport > maxLamport:
		return fmt.Errorf("%s %q: %w: the token's Lamport stamp is out of range; use a token a leader gave", q.Verb, q.Key, ErrBadRequest)
	case slices.ContainsFunc(q.Shown, func(d logical.Dot) bool { return d.Origin == 0 || d.Seq == 0 }):
		return fmt.Errorf("%s %q: %w: a dot among those shown names no write; pass on what a reply showed", q.Verb, q.Key, ErrBadRequest)
	}
	slices.SortFunc(q.Shown, logical.Dot.Compare)
	q.Shown = slices.Compact(q.Shown)
	return nil
}

// exact reports whether the author said what it had been shown.
func (q *Request) exact() bool { return q.Exact && (q.Verb == Set || q.Verb == Remove) }

// serve answers a request whose token is covered. Reads change nothing, so that
// they can be served beside the core as well.
func (t *turn) serve(q *Request) {
	if q.Verb == Get {
		object := t.r.Object(q.Key)
		t.reply(Reply{ID: q.ID, Shown: t.panel(q.Key).Read(object, t.r), Token: t.token()})
		return
	}
	t.absorb(q.Token)
	if q.Client != 0 {
		if first, ok := t.r.Request(q.Client, q.Number); ok {
			t.repeat(q, first)
			return
		}
	}
	t.write(q)
}

// repeat answers a retry with what the first try did, and with the present.
func (t *turn) repeat(q *Request, first logical.Dot) {
	rep := Reply{ID: q.ID, Dot: first, Retry: true}
	if op, ok := t.r.Op(first); ok {
		if op.Key != q.Key {
			t.refuse(q, fmt.Errorf("%s %q: %w: request %d of client %d was a write to %q; number every request once",
				q.Verb, q.Key, ErrBadRequest, q.Number, q.Client, op.Key))
			return
		}
		rep.Over = op.Parents
		if q.Verb == Incr {
			rep.Wrote = op.Value
		}
	}
	rep.Shown, rep.Token = t.panel(q.Key).Read(t.r.Object(q.Key), t.r), t.token()
	t.reply(rep)
}

// write makes the request an op and lets it take the common road.
func (t *turn) write(q *Request) {
	panel, object := t.panel(q.Key), t.r.Object(q.Key)
	op, err := t.draft(panel, object, q)
	if err != nil {
		t.refuse(q, err)
		return
	}
	t.stamp(op, q)
	t.event(Accepted{op})
	t.fresh = append(t.fresh, op)
	t.apply(panel, object, op, born)
	rep := Reply{ID: q.ID, Dot: op.Dot, Over: op.Parents, Shown: panel.Read(object, t.r), Token: t.token()}
	if q.Verb == Incr {
		rep.Wrote = op.Value
	}
	t.reply(rep)
}

func (t *turn) draft(panel resolve.Panel, object *resolve.Object, q *Request) (*resolve.Op, error) {
	if q.exact() {
		if d, ok := t.stranger(object, q.Shown); ok {
			return nil, fmt.Errorf("%s %q: %w: dot %s is a write to another key; pass on what a read of this key showed", q.Verb, q.Key, ErrBadRequest, d)
		}
	}
	op, err := panel.Draft(object, t.st.Origin, q.intent(), t.r)
	if err != nil {
		return nil, fmt.Errorf("%s %q: %w; %s", q.Verb, q.Key, err, advice(err))
	}
	if crowded(object, &op) {
		return nil, fmt.Errorf("%s %q: %w: the key has %d versions, one op can name %d; merge them first, by a set that passes on some of the dots a read shows",
			q.Verb, q.Key, ErrBadRequest, len(object.Versions), MaxDots)
	}
	return &op, nil
}

// crowded reports whether the op would name too many versions, or add one to too
// many without overwriting any.
func crowded(object *resolve.Object, op *resolve.Op) bool {
	return max(len(op.Parents), len(op.Hidden)) > MaxDots || len(op.Parents) == 0 && len(object.Versions) >= MaxDots
}

// intent is what the author means, in the resolvers' words.
func (q *Request) intent() resolve.Intent {
	in := resolve.Intent{Expires: q.Expires, Exact: q.exact(), Shown: q.Shown}
	switch q.Verb {
	case Set:
		in.Kind, in.Value = resolve.Put, q.Value
		if in.Value == nil {
			in.Value = []byte{} // an empty value; nil would say that the version needs none
		}
	case Remove:
		in.Kind, in.Expires = resolve.Delete, 0
	case Incr:
		in.Kind, in.Delta = resolve.Add, q.Delta
	}
	return in
}

// stranger is a dot that is known to belong to another key.
func (t *turn) stranger(object *resolve.Object, shown []logical.Dot) (logical.Dot, bool) {
	for _, d := range shown {
		if _, live := object.Find(d); live {
			continue
		}
		if op, ok := t.r.Op(d); ok && op.Key != object.Key {
			return d, true
		}
	}
	return logical.Dot{}, false
}

// stamp gives the op its identity and the three clocks, each above all that
// this leader has heard of. The hybrid clock is set, not merged: the guard
// against others must not refuse our own stamp when our wall clock steps back.
func (t *turn) stamp(op *resolve.Op, q *Request) {
	op.Dot = logical.Dot{Origin: t.st.Origin, Seq: t.st.Frontier.At(t.st.Origin) + 1}
	op.Deps = t.frontier()
	t.st.Lamport = t.st.Lamport.Next()
	t.st.HLC = t.st.HLC.Next(int64(t.m.Wall.Midpoint()))
	op.Wall, op.HLC, op.Lamport = t.m.Wall, t.st.HLC, t.st.Lamport
	if q.Client != 0 {
		op.Client, op.Request = q.Client, q.Number
	}
}

func (t *turn) panel(key string) resolve.Panel { return t.cfg.Policy.Panel(key) }

func (t *turn) reply(rep Reply) { t.out.Replies = append(t.out.Replies, rep) }

func (t *turn) refuse(q *Request, err error) { t.reply(Reply{ID: q.ID, Err: err}) }

// advice is what a client can do about a refused draft.
func advice(err error) string {
	if errors.Is(err, resolve.ErrOverflow) {
		return "choose a smaller step, or set the key anew"
	}
	return "write an integer, or remove the key first"
}
