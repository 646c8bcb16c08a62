package replica

import (
	"errors"
	"fmt"
	"slices"

	"kvd/logical"
	"kvd/replica/internal/commitwait"
	"kvd/replica/internal/doom"
	"kvd/replica/internal/voids"
	"kvd/replica/internal/weigh"
	"kvd/resolve"
	"kvd/resolve/doomed"
	"kvd/resolve/limits"
)

// maxLamport is the greatest stamp a token may carry: one forged token above it
// could wear the counter out for the whole cluster.
const maxLamport logical.Lamport = 1 << 62

var verbs = [...]string{Get: "get", Set: "set", Remove: "remove", Incr: "incr", Update: "update", Touch: "touch", Settle: "settle"}

// String names the verb.
func (v Verb) String() string {
	if v < Get || v > Settle {
		return fmt.Sprintf("verb %d", uint8(v))
	}
	return verbs[v]
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
	case q.Verb < Get || q.Verb > Settle:
		return fmt.Errorf("%s %q: %w: ask for get, set, remove, incr, update or touch", q.Verb, q.Key, ErrBadRequest)
	case q.Verb == Settle && !q.Settlement.Valid():
		return fmt.Errorf("%s %q: %w: what is to be settled needs two contents of one dot, and none of them chosen or one of those", q.Verb, q.Key, ErrBadRequest)
	case q.Verb == Update && q.Decide == nil:
		return fmt.Errorf("%s %q: %w: nobody decides; set Decide", q.Verb, q.Key, ErrBadRequest)
	case len(q.Key) > limits.Key || len(q.Value) > limits.Value || len(q.Shown) > limits.Dots:
		return fmt.Errorf("%s %.64q: %w: %d bytes of key, %d of value, %d dots shown; the limits are %d, %d and %d",
			q.Verb, q.Key, ErrBadRequest, len(q.Key), len(q.Value), len(q.Shown), limits.Key, limits.Value, limits.Dots)
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
	if q.Guard != nil && q.Guard.Broken {
		t.refuse(q, fmt.Errorf("%s %.64q: %w", q.Verb, q.Key, ErrGuard))
		return
	}
	switch {
	case q.Together != nil:
		if err := t.together(q); err != nil {
			t.refuse(q, err)
			return
		}
	case q.Budget.Closed():
		t.overBudget(q)
		return
	}
	if q.Verb == Get {
		shown := q.Brief(t.shows(t.panel(q.Key), t.r.Object(q.Key)))
		if !q.Budget.Take(Bytes(shown.Values)) {
			t.overBudget(q)
			return
		}
		t.reply(Reply{ID: q.ID, Shown: shown, Token: t.token()})
		return
	}
	t.absorb(q.Token)
	if q.Verb == Settle {
		t.settle(q)
		return
	}
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
		rep.Over, rep.Delta, rep.Wall, rep.Past = op.Parents, op.Delta.Clamp(), op.Wall, commitwait.Until(&t.cfg.Policy, op, t.m)
		if op.Kind == resolve.Add {
			rep.Wrote = op.Value
		}
	}
	rep.Shown, rep.Token = t.shows(t.panel(q.Key), t.r.Object(q.Key)), t.token()
	t.reply(rep)
}

// write makes the request an op and lets it take the common road. What it writes
// over is what this leader shows at this moment; an expiry that is due comes
// first, as an op of its own.
func (t *turn) write(q *Request) {
	panel, object := t.panel(q.Key), t.r.Object(q.Key)
	w, err := t.decide(q, panel, object)
	switch {
	case err != nil:
		t.refuse(q, err)
		return
	case w.Verb == Get:
		t.reply(Reply{ID: q.ID, Shown: t.showsTo(q, panel, object), Token: t.token()})
		return
	}
	if err := t.readOnly(q.Verb, q.Key); err != nil {
		t.refuse(q, err)
		return
	}
	in := t.intent(q, &w)
	if in.Kind == resolve.Touch && len(t.shows(panel, object).Values) == 0 {
		t.reply(Reply{ID: q.ID, Shown: t.shows(panel, object), Token: t.token()})
		return
	}
	object = t.expireFirst(panel, object, &in)
	op, err := t.draft(panel, object, q, &in)
	if err == nil {
		err = t.stampAlive(panel, object, op, q)
	}
	if err != nil {
		t.refuse(q, err)
		return
	}
	t.drafts.Take()
	if q.Client != 0 {
		op.Client, op.Request = q.Client, q.Number
	}
	t.begin(panel, object, op)
	rep := Reply{ID: q.ID, Dot: op.Dot, Over: op.Parents, Delta: op.Delta.Clamp(), Wall: op.Wall, Past: commitwait.Until(&t.cfg.Policy, op, t.m), Shown: t.showsTo(q, panel, object), Token: t.token()}
	if op.Kind == resolve.Add {
		rep.Wrote = op.Value
	}
	t.reply(rep)
}

// accept stamps an op that begins here and lets it take the common road.
func (t *turn) accept(panel resolve.Panel, object *resolve.Object, op *resolve.Op) {
	t.stamp(op)
	t.begin(panel, object, op)
}

// begin lets an op that begins here take the common road.
func (t *turn) begin(panel resolve.Panel, object *resolve.Object, op *resolve.Op) {
	t.event(Accepted{op})
	t.fresh = append(t.fresh, op)
	t.apply(panel, object, op, local)
	for i := range t.verdicts {
		if v := &t.verdicts[i]; v.Loser == op.Dot && v.Relation.Lost() && v.Resolvers.Has(panel.Serving) {
			t.event(Doomed{op.Dot, v.Winner, doomed.Accept})
		}
	}
}

// stampAlive stamps an op. Where its key's policy says so it lifts one that other versions
// beat, or refuses it: then no stamp was given, nor where it is only tried. Of requests that
// are done together none is refused once all were tried.
func (t *turn) stampAlive(panel resolve.Panel, object *resolve.Object, op *resolve.Op, q *Request) error {
	lamport, hlc, readings, trying := t.st.Lamport, t.st.HLC, t.readings, q.Together != nil && q.Together.trying
	t.stamp(op)
	by, refused := doom.Decide(panel, object, op, t.r, t.cfg.Policy.Rule(op.Key).Doomed)
	if refused != nil && q.Together != nil && !trying {
		refused, by = nil, logical.Dot{}
	}
	if trying || refused != nil {
		t.st.Lamport, t.st.HLC, t.readings = lamport, hlc, readings
	}
	switch {
	case refused != nil:
		t.event(Doomed{op.Dot, by, doomed.Refuse})
		return fmt.Errorf("%s %.64q: %w: %w", q.Verb, q.Key, ErrDoomed, refused)
	case !by.IsZero() && !trying:
		t.event(Doomed{op.Dot, by, doomed.Lift})
	}
	return nil
}

// decide is what the request writes. An Update asks its author.
func (t *turn) decide(q *Request, panel resolve.Panel, object *resolve.Object) (Write, error) {
	if err := q.Guard.Over(); err != nil || q.Verb != Update {
		return Write{Verb: q.Verb, Value: q.Value, Delta: q.Delta, Expires: q.Expires}, err
	}
	p, reads := Present{Now: t.reading()}, &t.reads
	if q.Keeps {
		reads = new(resolve.Reading)
	}
	p.Expires = panel.ReadTo(reads, object, t.r, t.now())
	p.Reading = *reads
	if q.Keeps && !q.Budget.Take(Bytes(p.Reading.Values)) {
		return Write{}, q.overBudget()
	}
	if q.Describe {
		p.describe(object)
	}
	w, err := q.Decide(p)
	clear(t.reads.Values)
	switch {
	case err != nil:
		return Write{}, err
	case !q.Budget.Take(int64(len(w.Value))): // it is made here, and held until it is durable
		q.Budget.Vain += int64(len(w.Value))
		return Write{}, q.overBudget()
	case w.Verb < Get || w.Verb > Incr && w.Verb != Touch:
		return Write{}, fmt.Errorf("%s %q: %w: it was decided to %s; decide to get, set, remove, incr or touch", q.Verb, q.Key, ErrBadRequest, w.Verb)
	case len(w.Value) > limits.Value:
		return Write{}, fmt.Errorf("%s %.64q: %w: %d bytes of value; the limit is %d", q.Verb, q.Key, ErrBadRequest, len(w.Value), limits.Value)
	}
	return w, nil
}

// draft is what the request would become. The next draft takes its place unless it is
// taken.
func (t *turn) draft(panel resolve.Panel, object *resolve.Object, q *Request, in *resolve.Intent) (*resolve.Op, error) {
	if q.exact() {
		if d, ok := t.ofAnotherKey(object, q.Shown); ok {
			return nil, fmt.Errorf("%s %q: %w: dot %s is a write to another key; pass on what a read of this key showed", q.Verb, q.Key, ErrBadRequest, d)
		}
	}
	op := t.drafts.Next()
	if err := panel.DraftTo(op, object, t.st.Origin, in, t.r); err != nil {
		return nil, fmt.Errorf("%s %q: %w; %s", q.Verb, q.Key, err, advice(err))
	}
	err := t.oversize(op)
	if err == nil {
		err = t.tooManySiblings(panel, object, op)
	}
	if err == nil {
		err = voids.Check(panel, object, q.Client != 0 && op.Kind != resolve.Delete, ErrBadRequest)
	}
	if err != nil {
		return nil, fmt.Errorf("%s %q: %w", q.Verb, q.Key, err)
	}
	return op, nil
}

// oversize is why the op could not be sent to every leader, nil if it can: what is
// admitted must arrive. Its dependencies are counted, though it has none before it
// is stamped.
func (t *turn) oversize(op *resolve.Op) error {
	n := op.Footprint() + limits.Dot*t.st.Frontier.Len()
	if n <= t.cfg.OpBytes {
		return nil
	}
	return fmt.Errorf("%w: with what it goes over the write takes %d bytes, and one that every leader can be sent at most %d; write a smaller value, or go over fewer versions",
		ErrBadRequest, n, t.cfg.OpBytes)
}

// tooManySiblings is why the op would leave too many versions side by side, nil if it does
// not. What leaves no more than there were is let in however many there are: a
// peer's ops are always applied, so that two leaders may bring more together than
// either lets in, and whoever goes over them must be able to.
func (t *turn) tooManySiblings(panel resolve.Panel, object *resolve.Object, op *resolve.Op) error {
	if len(object.Versions) < t.cfg.MaxSiblings && weigh.Values(object)+len(op.Value) <= t.cfg.ShownBytes {
		return nil
	}
	if n := max(len(op.Parents), len(op.Hidden)); n > limits.Dots {
		return fmt.Errorf("%w: it would go over %d versions, one op can name %d; merge some of them first, by a set that passes on some of the dots a read shows",
			ErrBadRequest, n, limits.Dots)
	}
	before, after := panel.LiveSizes(object, op, t.m.Wall)
	switch {
	case after.Versions > before.Versions && after.Versions > t.cfg.MaxSiblings:
		return fmt.Errorf("%w: the key has %d, the limit is %d (--max-siblings), and this write was shown too few of them to take the place of any; %s",
			ErrSiblings, before.Versions, t.cfg.MaxSiblings, hint)
	case after.Versions > 1 && after.Bytes > before.Bytes && after.Bytes > t.cfg.ShownBytes:
		return fmt.Errorf("%w: the key would show %d values of %d bytes together, and at most %d bytes can be shown at once; %s",
			ErrSiblings, after.Versions, after.Bytes, t.cfg.ShownBytes, hint)
	}
	return nil
}

// hint is what to do where a key has too many versions.
const hint = "read the key again (KVD.GET) and write with the token that gives, or SET or DEL it, which go over all of them"

// intent is what the author means, in the resolvers' words.
func (t *turn) intent(q *Request, w *Write) resolve.Intent {
	in := resolve.Intent{Expires: w.Expires, Keep: w.Keep, Now: t.now(), Exact: q.exact(), Shown: q.Shown}
	switch w.Verb {
	case Set:
		in.Kind, in.Value = resolve.Put, w.Value
		if in.Value == nil {
			in.Value = []byte{} // an empty value; nil would say that the version needs none
		}
	case Remove:
		in.Kind, in.Expires = resolve.Delete, 0
	case Incr:
		in.Kind, in.Delta = resolve.Add, w.Delta
	case Touch:
		in.Kind = resolve.Touch
	}
	return in
}

// ofAnotherKey is a dot that is known to belong to another key.
func (t *turn) ofAnotherKey(object *resolve.Object, shown []logical.Dot) (logical.Dot, bool) {
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
func (t *turn) stamp(op *resolve.Op) {
	wall, lifted := t.readings.Stamp(t.m.Wall, t.st.Floor)
	op.Dot = logical.Dot{Origin: t.st.Origin, Seq: t.st.Frontier.At(t.st.Origin) + 1}
	op.Deps = t.frontier()
	t.st.Lamport = t.st.Lamport.Next()
	t.st.HLC = t.st.HLC.Next(int64(wall.Midpoint()))
	op.Wall, op.HLC, op.Lamport = wall, t.st.HLC, t.st.Lamport
	op.Rank()
	if lifted {
		t.event(StampLifted{op.Dot})
	}
}

// showsTo is what the reply to a write shows.
func (t *turn) showsTo(q *Request, panel resolve.Panel, object *resolve.Object) resolve.Reading {
	if q.Quiet {
		return resolve.Reading{}
	}
	return t.shows(panel, object)
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
