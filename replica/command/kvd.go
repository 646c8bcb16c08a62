package command

import (
	"fmt"
	"slices"
	"strconv"
	"time"

	"kvd/logical"
	"kvd/replica"
	"kvd/replica/acl"
	"kvd/replica/resp"
	"kvd/replica/resp/batch"
	"kvd/replica/resp/server"
	"kvd/replica/resp/token"
	"kvd/resolve"
	"kvd/resolve/limits"
)

func planKvdGet(k *server.Call) (batch.Render, error) {
	o, err := parseOptions(k, 2, "TOKEN", "EVIDENCE")
	if err != nil {
		return nil, err
	}
	r, err := k.Ask(replica.Get, k.Args[1])
	if err != nil {
		return nil, err
	}
	r.Token = o.token.Seen
	policy := k.Inspector().Policy()
	return func(w *resp.Writer, a *batch.Answer) {
		showReading(w, a, policy.Panel(a.Requests[0].Key).Serving, o.evidence)
	}, nil
}

func showReading(w *resp.Writer, a *batch.Answer, id resolve.ID, evidence bool) {
	rep := &a.Replies[0]
	seen := seenBy(a)
	w.Map(3 + 2*int(resp.Flag(evidence)))
	writeValues(w.Field("values"), rep.Shown.Values)
	w.Field("token").Text(token.For(seen, a.Requests[0].Key, rep.Shown.Dots).String())
	w.Field("resolver").Text(id.String())
	if evidence {
		writeDots(w.Field("dots"), rep.Shown.Dots)
		writeSeen(w, seen)
	}
}

// seenBy is what the client has seen after the first reply: what it brought and
// what it was answered.
func seenBy(a *batch.Answer) replica.Token {
	return a.Replies[0].Token.Join(a.Requests[0].Token)
}

// planWrite is the plan of a command whose options begin at argument from, behind the value
// if there is one.
func planWrite(v replica.Verb, from int) func(*server.Call) (batch.Render, error) {
	return func(k *server.Call) (batch.Render, error) {
		o, err := parseOptions(k, from, "TOKEN", "REQUEST", "EVIDENCE", "ACKS")
		if err != nil {
			return nil, err
		}
		return write(k, v, o)
	}
}

// planKvdIncr takes a token for what its holder has seen; an increment goes over
// whatever the leader shows.
func planKvdIncr(k *server.Call) (batch.Render, error) {
	delta, err := k.Int(2)
	if err != nil {
		return nil, err
	}
	o, err := parseOptions(k, 3, "TOKEN", "REQUEST", "EVIDENCE", "ACKS")
	if err != nil {
		return nil, err
	}
	r, err := k.Ask(replica.Incr, k.Args[1])
	if err != nil {
		return nil, err
	}
	r.Delta, r.Token, r.Client, r.Number = delta, o.token.Seen, o.client, o.number
	o.setAcks(r)
	return showWritten(true, o.evidence), nil
}

func planKvdResolve(k *server.Call) (batch.Render, error) {
	o, err := parseOptions(k, 3, "TOKEN", "REQUEST", "ACKS")
	if err != nil {
		return nil, err
	}
	if !o.token.Keyed {
		return nil, resp.Error("ERR the token does not say what was shown of the key; use the one KVD.GET gave")
	}
	return write(k, replica.Set, o)
}

// write adds a write over exactly what the token was shown, if it says.
func write(k *server.Call, v replica.Verb, o options) (batch.Render, error) {
	r, err := k.Ask(v, k.Args[1])
	if err != nil {
		return nil, err
	}
	t := &o.token
	if v == replica.Set {
		r.Value = k.Bytes(2)
	}
	r.Token, r.Exact, r.Shown = t.Seen, t.Keyed, t.Shown
	r.Client, r.Number, r.Quiet = o.client, o.number, !o.evidence
	o.setAcks(r)
	k.CountDots(len(t.Shown))
	return showWritten(false, o.evidence), nil
}

// showWritten renders the dot, and a token that has seen the write. Of the key
// its author knows that write and nothing else: to attest siblings it was not
// shown would lose them. An increment adds its outcome, evidence what the write
// went over and what the key shows now.
func showWritten(outcome, evidence bool) batch.Render {
	return func(w *resp.Writer, a *batch.Answer) {
		rep := &a.Replies[0]
		seen := seenBy(a)
		w.Map(2 + int(resp.Flag(outcome)) + 7*int(resp.Flag(evidence)))
		w.Field("dot").Text(rep.Dot.String())
		w.Field("token").Text(token.For(seen, a.Requests[0].Key, []logical.Dot{rep.Dot}).String())
		if outcome {
			w.Field("value").Bulk(rep.Wrote)
		}
		if !evidence {
			return
		}
		writeDots(w.Field("over"), rep.Over)
		writeDots(w.Field("shown"), rep.Shown.Dots)
		writeValues(w.Field("values"), rep.Shown.Values)
		w.Field("retry").Int(resp.Flag(rep.Retry))
		w.Field("delta").Int(rep.Delta)
		w.Field("wall").Array(2)
		w.Int(int64(rep.Wall.Earliest))
		w.Int(int64(rep.Wall.Latest))
		writeSeen(w, seen)
	}
}

func runToken(k *server.Call) error {
	k.Out.Text(token.Token{Seen: replica.Token{Frontier: k.Inspector().Frontier()}}.String())
	return nil
}

func runWaitFor(k *server.Call) error {
	t, err := token.Parse(string(k.Args[1]))
	if err != nil {
		return err
	}
	limit, err := parseTimeout(k, 2)
	if err != nil {
		return err
	}
	if !k.Poll(limit, func() bool { return k.Inspector().Frontier().Includes(t.Seen.Frontier) }) {
		return fmt.Errorf("%w after %s; try again here later, or at the leader that gave the token", replica.ErrBehind, limit)
	}
	return k.OK()
}

// runWait answers how many other leaders durably hold the connection's last
// write, once they are enough or the time is over. Zero milliseconds mean as
// long as it may be.
func runWait(k *server.Call) error {
	want, err := k.Int(1)
	if err != nil {
		return err
	}
	limit, err := parseTimeout(k, 2)
	if err != nil {
		return err
	}
	switch {
	case k.InTransaction(): // nobody waits within a transaction
		limit = 0
	case limit == 0:
		limit = k.Config().MaxWait
	}
	f := logical.FrontierOf()
	if d := k.LastWrite(); !d.IsZero() {
		f = logical.FrontierOf(d)
	}
	have := 0
	k.Poll(limit, func() bool { have = k.Inspector().Durable(f); return int64(have) >= want })
	k.Out.Int(int64(have))
	return nil
}

// parseAcks reads how many leaders are to hold a write, and for how many milliseconds that
// is waited for; zero: as the leader says.
func parseAcks(k *server.Call, i int) (a server.Acks, err error) {
	n, err := k.Int(i)
	if err != nil || n < 1 || n > limits.Acks {
		return a, resp.Error("ERR acks is a number of leaders, this one included: 1 to " + strconv.Itoa(limits.Acks))
	}
	a.Leaders = int(n)
	a.Limit, err = parseTimeout(k, i+1)
	return a, err
}

// runAcks says, or changes, what the connection asks for its writes.
func runAcks(k *server.Call) error {
	switch len(k.Args) {
	case 1:
		a := k.Acks()
		k.Out.Map(2)
		k.Out.Field("acks").Int(int64(max(1, a.Leaders)))
		k.Out.Field("milliseconds").Int(a.Limit.Milliseconds())
		return nil
	case 3:
		a, err := parseAcks(k, 1)
		if err != nil {
			return err
		}
		k.SetAcks(a)
		return k.OK()
	}
	return resp.WrongArity("kvd.acks")
}

// parseTimeout reads milliseconds, bounded by MaxWait.
func parseTimeout(k *server.Call, i int) (time.Duration, error) {
	ms, err := k.Int(i)
	switch {
	case err != nil:
		return 0, resp.Error("ERR timeout is not an integer or out of range")
	case ms < 0:
		return 0, resp.Error("ERR timeout is negative")
	}
	if ms > k.Config().MaxWait.Milliseconds() {
		return k.Config().MaxWait, nil
	}
	return time.Duration(ms) * time.Millisecond, nil
}

func runFrontier(k *server.Call) error {
	f := k.Inspector().Frontier()
	k.Out.Map(f.Len())
	for d := range f.All() {
		k.Out.Text(d.Origin.String())
		k.Out.Int(int64(d.Seq))
	}
	return nil
}

func runPolicy(k *server.Call) error {
	p := k.Inspector().Policy()
	switch len(k.Args) {
	case 1:
	case 2:
		panel := p.Panel(string(k.Args[1]))
		k.Out.Map(3)
		k.Out.Field("resolver").Text(panel.Serving.String())
		k.Out.Field("rule").Text(panel.Serving.Rule())
		k.Out.Field("shadows").Texts(panel.Shadows.Names())
		return nil
	default:
		return resp.WrongArity("kvd.policy")
	}
	k.Out.Map(4)
	k.Out.Field("text").Text(p.String())
	k.Out.Field("default").Text(p.Default.String())
	k.Out.Field("shadows").Texts(p.Shadows.Names())
	k.Out.Field("rules").Map(len(p.Rules))
	for _, r := range p.Rules {
		k.Out.Text(r.Prefix)
		k.Out.Text(r.Resolver.String())
	}
	return nil
}

// options is what a KVD command was given beside key and value.
type options struct {
	token          token.Token // the zero Token: none
	client, number uint64      // zero: the write has no identity
	evidence       bool
	acks           server.Acks
}

// setAcks lets a request ask for what its command says, or else its connection.
func (o *options) setAcks(r *replica.Request) {
	if o.acks.Leaders > 0 {
		r.Acks, r.AckLimit = o.acks.Leaders, o.acks.Limit
	}
}

// parseOptions reads options from argument i to the end, in any order, each at most
// once, of those allowed: TOKEN text, REQUEST client number, EVIDENCE, ACKS leaders
// milliseconds.
func parseOptions(k *server.Call, i int, allowed ...string) (o options, err error) {
	for i < len(k.Args) {
		at := slices.IndexFunc(allowed, func(name string) bool { return k.Is(i, name) })
		if at < 0 || i+sizes[allowed[at]] > len(k.Args) {
			return options{}, resp.ErrSyntax
		}
		switch allowed[at] {
		case "TOKEN":
			o.token, err = parseToken(k, i+1)
		case "REQUEST":
			o.client, o.number, err = parseRequest(k, i+1)
		case "ACKS":
			o.acks, err = parseAcks(k, i+1)
		case "EVIDENCE":
			o.evidence, err = true, k.Require(acl.Read) // it shows what the key holds
		}
		if err != nil {
			return options{}, err
		}
		i += sizes[allowed[at]]
		allowed = slices.Delete(allowed, at, at+1)
	}
	return o, nil
}

// sizes is of how many arguments an option is.
var sizes = map[string]int{"TOKEN": 2, "REQUEST": 3, "EVIDENCE": 1, "ACKS": 3}

// parseToken reads argument i. A token that attests a key is of use for that key
// only.
func parseToken(k *server.Call, i int) (token.Token, error) {
	t, err := token.Parse(string(k.Args[i]))
	if err != nil {
		return token.Token{}, err
	}
	if t.Keyed && t.Key != string(k.Args[1]) {
		return token.Token{}, resp.Error("ERR the token is of another key; pass on what KVD.GET of this key gave")
	}
	return t, nil
}

// parseRequest reads who a write is by, and its number there: the same two at another
// leader are the same write. Client zero is nobody.
func parseRequest(k *server.Call, i int) (client, number uint64, err error) {
	client, ok := parseUint(k.Args[i])
	number, fine := parseUint(k.Args[i+1])
	if !ok || !fine || client == 0 {
		return 0, 0, resp.Error("ERR a request is two integers, the client above zero and its number; draw the client at random, count the number")
	}
	return client, number, nil
}

func parseUint(b []byte) (uint64, bool) {
	n, err := strconv.ParseUint(string(b), 10, 64)
	return n, err == nil && (b[0] != '0' || len(b) == 1)
}

func writeDots(w *resp.Writer, dots []logical.Dot) {
	w.Array(len(dots))
	for _, d := range dots {
		w.Text(d.String())
	}
}

func writeValues(w *resp.Writer, values [][]byte) {
	w.Array(len(values))
	for _, v := range values {
		w.Bulk(v)
	}
}

// writeSeen renders what the client has seen, of any key.
func writeSeen(w *resp.Writer, seen replica.Token) {
	w.Field("seen").Text(token.Token{Seen: seen}.String())
}
