package server

import (
	"fmt"
	"time"

	"kvd/logical"
	"kvd/replica"
	"kvd/replica/acl"
	"kvd/replica/resp"
	"kvd/replica/resp/token"
	"kvd/resolve"
)

func kvdCommands() []command {
	only := keySpec{1, 1, 1}
	return []command{
		{name: "kvd.get", arity: -2, flags: read | fast, needs: acl.Read, keys: only, since: "1.0.0", plan: planKvdGet, summary: "Answers all values of a key, a token for writing over exactly those, and the resolver."},
		{name: "kvd.set", arity: -3, flags: write | fast | single, needs: acl.Write, keys: only, since: "1.0.0", plan: planKvdSet, summary: "Sets a key over what the token was shown; without one, over what this leader shows."},
		{name: "kvd.del", arity: -2, flags: write | fast | single, needs: acl.Write, keys: only, since: "1.0.0", plan: planKvdDel, summary: "Removes what the token was shown of a key; without one, what this leader shows."},
		{name: "kvd.incr", arity: -3, flags: write | fast | single, needs: acl.Read | acl.Write, keys: only, since: "1.0.0", plan: planKvdIncr, summary: "Adds to the number of a key."},
		{name: "kvd.resolve", arity: 5, flags: write | fast | single, needs: acl.Write, keys: only, since: "1.0.0", plan: planKvdResolve, summary: "Puts one value in the place of exactly the siblings the token was shown."},
		{name: "kvd.token", arity: 1, flags: read | loading | fast | alone | single, needs: acl.Anyone, since: "1.0.0", run: runToken, summary: "Answers a token of everything this leader has applied."},
		{name: "kvd.waitfor", arity: 3, flags: patient | read | loading | alone | single, needs: acl.Anyone, since: "1.0.0", run: runWaitFor, summary: "Waits until this leader has applied what the token has seen, at most so many milliseconds."},
		{name: "kvd.policy", arity: -1, flags: read | loading | fast, needs: acl.Anyone, since: "1.0.0", run: runPolicy, summary: "Answers which resolver serves a key, or the whole policy."},
		{name: "kvd.frontier", arity: 1, flags: read | loading | fast | alone | single, needs: acl.Anyone, since: "1.0.0", run: runFrontier, summary: "Answers what this leader has applied, by origin."},
	}
}

func planKvdGet(k *call) (render, error) {
	o, err := k.options(2, withToken|withEvidence)
	if err != nil {
		return nil, err
	}
	r, err := k.ask(replica.Get, k.args[1])
	if err != nil {
		return nil, err
	}
	r.Token = o.token.Seen
	policy := k.srv.inspector.Policy()
	return func(w *resp.Writer, a *answer) { showReading(w, a, policy.Panel(a.reqs[0].Key).Serving, o.evidence) }, nil
}

func showReading(w *resp.Writer, a *answer, id resolve.ID, evidence bool) {
	rep := &a.replies[0]
	seen := a.seenBy()
	w.Map(3 + 2*int(flagOf(evidence)))
	w.Text("values")
	writeValues(w, rep.Shown.Values)
	w.Text("token")
	w.Text(token.For(seen, a.reqs[0].Key, rep.Shown.Dots).String())
	w.Text("resolver")
	w.Text(id.String())
	if evidence {
		writeDots(w, "dots", rep.Shown.Dots)
		writeSeen(w, seen)
	}
}

// seenBy is what the client has seen after the first reply: what it brought and
// what it was answered.
func (a *answer) seenBy() replica.Token {
	return a.replies[0].Token.Join(a.reqs[0].Token)
}

func planKvdSet(k *call) (render, error) {
	o, err := k.options(3, withToken|withRequest|withEvidence)
	if err != nil {
		return nil, err
	}
	return k.write(replica.Set, o, k.bytes(2))
}

func planKvdDel(k *call) (render, error) {
	o, err := k.options(2, withToken|withRequest|withEvidence)
	if err != nil {
		return nil, err
	}
	return k.write(replica.Remove, o, nil)
}

// planKvdIncr takes a token for what its holder has seen; an increment goes over
// whatever the leader shows.
func planKvdIncr(k *call) (render, error) {
	delta, err := k.int(2)
	if err != nil {
		return nil, err
	}
	o, err := k.options(3, withToken|withRequest|withEvidence)
	if err != nil {
		return nil, err
	}
	r, err := k.ask(replica.Incr, k.args[1])
	if err != nil {
		return nil, err
	}
	r.Delta, r.Token, r.Client, r.Number = delta, o.token.Seen, o.client, o.number
	return o.shows(true), nil
}

func planKvdResolve(k *call) (render, error) {
	o, err := k.options(3, withToken)
	if err != nil {
		return nil, err
	}
	if !o.token.Keyed {
		return nil, resp.Error("ERR the token does not say what was shown of the key; use the one KVD.GET gave")
	}
	return k.write(replica.Set, o, k.bytes(2))
}

// write adds a write over exactly what the token was shown, if it says.
func (k *call) write(v replica.Verb, o options, value []byte) (render, error) {
	r, err := k.ask(v, k.args[1])
	if err != nil {
		return nil, err
	}
	t := &o.token
	r.Value, r.Token, r.Exact, r.Shown = value, t.Seen, t.Keyed, t.Shown
	r.Client, r.Number, r.Quiet = o.client, o.number, !o.evidence
	k.b.dots += int64(len(t.Shown))
	return o.shows(false), nil
}

// shows is how the reply to a write is rendered.
func (o options) shows(outcome bool) render {
	return func(w *resp.Writer, a *answer) { showWritten(w, a, outcome, o.evidence) }
}

// showWritten renders the dot, and a token that has seen the write. Of the key
// its author knows that write and nothing else: to vouch for siblings it was not
// shown would lose them. An increment adds its outcome, evidence what the write
// went over and what the key shows now.
func showWritten(w *resp.Writer, a *answer, outcome, evidence bool) {
	rep := &a.replies[0]
	seen := a.seenBy()
	w.Map(2 + int(flagOf(outcome)) + 7*int(flagOf(evidence)))
	w.Text("dot")
	w.Text(rep.Dot.String())
	w.Text("token")
	w.Text(token.For(seen, a.reqs[0].Key, []logical.Dot{rep.Dot}).String())
	if outcome {
		w.Text("value")
		w.Bulk(rep.Wrote)
	}
	if !evidence {
		return
	}
	writeDots(w, "over", rep.Over)
	writeDots(w, "shown", rep.Shown.Dots)
	w.Text("values")
	writeValues(w, rep.Shown.Values)
	w.Text("retry")
	w.Int(flagOf(rep.Retry))
	w.Text("delta")
	w.Int(rep.Delta)
	w.Text("wall")
	w.Array(2)
	w.Int(int64(rep.Wall.Earliest))
	w.Int(int64(rep.Wall.Latest))
	writeSeen(w, seen)
}

func runToken(k *call) error {
	k.w.Text(token.Token{Seen: replica.Token{Frontier: k.srv.inspector.Frontier()}}.String())
	return nil
}

// runWaitFor answers OK when this leader has caught up with the token.
func runWaitFor(k *call) error {
	t, err := token.Parse(string(k.args[1]))
	if err != nil {
		return err
	}
	limit, err := k.patience(2)
	if err != nil {
		return err
	}
	if !k.until(limit, func() bool { return k.srv.inspector.Frontier().Includes(t.Seen.Frontier) }) {
		return fmt.Errorf("%w after %s; try again here later, or at the leader that gave the token", replica.ErrBehind, limit)
	}
	k.w.Simple("OK")
	return nil
}

// runWait answers how many other leaders durably hold the connection's last
// write, once they are enough or the time is over. Zero milliseconds mean as
// long as it may be.
func runWait(k *call) error {
	want, err := k.int(1)
	if err != nil {
		return err
	}
	limit, err := k.patience(2)
	if err != nil {
		return err
	}
	switch {
	case k.tx.active: // nobody waits within a transaction
		limit = 0
	case limit == 0:
		limit = k.srv.cfg.MaxWait
	}
	f := logical.FrontierOf()
	if !k.wrote.IsZero() {
		f = logical.FrontierOf(k.wrote)
	}
	have := 0
	k.until(limit, func() bool { have = k.srv.inspector.Durable(f); return int64(have) >= want })
	k.w.Int(int64(have))
	return nil
}

// patience reads milliseconds, bounded by MaxWait.
func (k *call) patience(i int) (time.Duration, error) {
	ms, err := k.int(i)
	switch {
	case err != nil:
		return 0, resp.Error("ERR timeout is not an integer or out of range")
	case ms < 0:
		return 0, resp.Error("ERR timeout is negative")
	}
	if ms > k.srv.cfg.MaxWait.Milliseconds() {
		return k.srv.cfg.MaxWait, nil
	}
	return time.Duration(ms) * time.Millisecond, nil
}

func runFrontier(k *call) error {
	f := k.srv.inspector.Frontier()
	k.w.Map(f.Len())
	for d := range f.All() {
		k.w.Text(d.Origin.String())
		k.w.Int(int64(d.Seq))
	}
	return nil
}

func runPolicy(k *call) error {
	p := k.srv.inspector.Policy()
	switch len(k.args) {
	case 1:
		k.writePolicy(p)
	case 2:
		panel := p.Panel(string(k.args[1]))
		k.w.Map(3)
		k.w.Text("resolver")
		k.w.Text(panel.Serving.String())
		k.w.Text("rule")
		k.w.Text(panel.Serving.Rule())
		k.w.Text("shadows")
		writeKeys(k.w, panel.Shadows.Names())
	default:
		return resp.WrongArity("kvd.policy")
	}
	return nil
}

func (k *call) writePolicy(p *resolve.Policy) {
	k.w.Map(3)
	k.w.Text("default")
	k.w.Text(p.Default.String())
	k.w.Text("shadows")
	writeKeys(k.w, p.Shadows.Names())
	k.w.Text("rules")
	k.w.Map(len(p.Rules))
	for _, r := range p.Rules {
		k.w.Text(r.Prefix)
		k.w.Text(r.Resolver.String())
	}
}
