package command

import (
	"kvd/replica"
	"kvd/replica/acl"
	"kvd/replica/command/edit"
	"kvd/replica/resp"
	"kvd/replica/resp/batch"
	"kvd/replica/resp/server"
	"kvd/wallclock"
)

func planGet(k *server.Call) (batch.Render, error) { return readOne(k, showValue) }

var showValue = showOne(func(w *resp.Writer, value []byte, there bool) error {
	if there {
		w.Bulk(value)
	} else {
		w.Null()
	}
	return nil
})

func showOK(w *resp.Writer, _ *batch.Answer) { w.Simple("OK") }

func showWrote(w *resp.Writer, a *batch.Answer) {
	if a.Replies[0].Dot.IsZero() {
		w.Null()
		return
	}
	w.Simple("OK")
}

func showCount(w *resp.Writer, a *batch.Answer) {
	var n int64
	for i := range a.Replies {
		if !a.Replies[i].Dot.IsZero() {
			n++
		}
	}
	w.Int(n)
}

func planSet(k *server.Call) (batch.Render, error) {
	o, err := wordsOf(k).ParseSet()
	if err != nil {
		return nil, err
	}
	if o.Plain() {
		r, err := k.Ask(replica.Set, k.Args[1])
		if err != nil {
			return nil, err
		}
		r.Value, r.Expires, r.Quiet = k.Bytes(2), o.TTL.Deadline(wallclock.Interval{}), true
		return showOK, nil
	}
	if o.Get || o.Compare.Kind != edit.AnyValue { // who may compare can find out what it shows
		if err := k.Require(acl.Read); err != nil {
			return nil, err
		}
	}
	return decide(k, o.Reply(), o.Decide(k.Bytes(2), k.Picks(k.Args[1])))
}

func planGetEx(k *server.Call) (batch.Render, error) {
	l, persists, err := wordsOf(k).ParseGetEx()
	pick := k.Picks(k.Args[1])
	switch {
	case err != nil:
		return nil, err
	case persists:
		return decide(k, edit.Was, edit.Persist(pick))
	case l.Unit == "":
		return planGet(k)
	}
	ttl, wrong := wordsOf(k).TTLOf(l)
	return decide(k, edit.Was, edit.IfShown(pick, wrong, edit.Expiry{}.Decide(ttl, pick)))
}

func planStrlen(k *server.Call) (batch.Render, error) { return readOne(k, showLength) }

var showLength = showOne(func(w *resp.Writer, value []byte, _ bool) error {
	w.Int(int64(len(value)))
	return nil
})

func planMGet(k *server.Call) (batch.Render, error) { return showValues, k.Each(replica.Get, 1) }

// showValues renders MGET. Siblings fail the whole command: clients that expect
// strings do not expect an error among them.
func showValues(w *resp.Writer, a *batch.Answer) {
	for i := range a.Replies {
		if n := len(a.Replies[i].Shown.Values); n > 1 && !a.Picks(a.Requests[i].Key) {
			w.Error(batch.ErrorText(resp.Conflict(n)))
			return
		}
	}
	w.Array(len(a.Replies))
	for i := range a.Replies {
		writeFirst(w, a.Replies[i].Shown.Values)
	}
}

func planMSet(k *server.Call) (batch.Render, error) {
	if len(k.Args)%2 == 0 {
		return nil, resp.WrongArity("mset")
	}
	for i := 1; i < len(k.Args); i += 2 {
		r, err := k.Ask(replica.Set, k.Args[i])
		if err != nil {
			return nil, err
		}
		r.Value, r.Quiet = k.Bytes(i+1), true
	}
	return showOK, nil
}

func showNumber(w *resp.Writer, a *batch.Answer) {
	r := &a.Replies[0]
	value := r.Wrote
	if len(value) == 0 && len(r.Shown.Values) > 0 {
		value = r.Shown.Values[0]
	}
	n, ok := resp.ParseInt(value)
	if !ok {
		w.Error(batch.ErrorText(resp.ErrNotInteger))
		return
	}
	w.Int(n)
}

func planDelEx(k *server.Call) (batch.Render, error) {
	switch len(k.Args) {
	case 2:
		return planDel(k)
	case 4:
	default:
		return nil, resp.WrongArity("delex")
	}
	if !wordsOf(k).Compares(2) {
		return nil, resp.Error("ERR Invalid condition. Use IFEQ, IFNE, IFDEQ, or IFDNE")
	}
	c, err := wordsOf(k).ParseCondition(2)
	if err != nil {
		return nil, err
	}
	return showCount, k.Decide(k.Args[1], edit.RemoveIf(c, k.Picks(k.Args[1])))
}

func planDelIfEq(k *server.Call) (batch.Render, error) {
	c := edit.Condition{Kind: edit.IfEqual, Value: k.Bytes(2)}
	return showCount, k.Decide(k.Args[1], edit.RemoveIf(c, k.Picks(k.Args[1])))
}

func planEdit(name string) func(*server.Call) (batch.Render, error) {
	op := edit.Operations[name]
	return func(k *server.Call) (batch.Render, error) {
		d, err := op.Parse(wordsOf(k))
		if err != nil {
			return nil, err
		}
		return decide(k, op.Reply, d)
	}
}

// wordsOf is what the call's options are read from.
func wordsOf(k *server.Call) edit.Words {
	return edit.Words{Args: k.Args, Call: k, Clock: k.Config().Clock, Limit: k.Config().Limits.Bulk}
}

// decide adds an Update of argument 1 whose reply is as said. What is retained of what the
// key showed before depends on nothing but what Decide is given, so deciding again would
// keep the same.
func decide(k *server.Call, reply edit.Reply, d edit.Decider) (batch.Render, error) {
	told, show := d, shows[reply]
	if reply == edit.Was {
		var was [][]byte
		told = func(p replica.Present) (replica.Write, error) {
			was = p.Reading.Values
			return d(p)
		}
		show = func(w *resp.Writer, _ *batch.Answer) { writeFirst(w, was) }
	}
	err := k.Decide(k.Args[1], told)
	if err == nil {
		k.Last().Keeps, k.Last().Quiet = reply == edit.Was, reply != edit.Length
	}
	return show, err
}

// writeFirst writes the first value. Where that must not be picked Decide has refused.
func writeFirst(w *resp.Writer, values [][]byte) {
	if len(values) == 0 {
		w.Null()
		return
	}
	w.Bulk(values[0])
}

var shows = [...]batch.Render{
	edit.OK: showOK, edit.Wrote: showWrote, edit.Count: showCount, edit.Length: showLength, edit.Number: showNumber,
}

// askExists adds a Get for all arguments from 1 on, of which is only asked whether
// there is anything.
func askExists(k *server.Call) error {
	from := k.Mark()
	err := k.Each(replica.Get, 1)
	for _, r := range k.RequestsFrom(from) {
		r.Whether = true
	}
	return err
}

// readOne adds a Get of argument 1.
func readOne(k *server.Call, show batch.Render) (batch.Render, error) {
	_, err := k.Ask(replica.Get, k.Args[1])
	return show, err
}

// showOne renders the one value that a key shows as show does, which on an error has
// written nothing.
func showOne(show func(w *resp.Writer, value []byte, there bool) error) batch.Render {
	return func(w *resp.Writer, a *batch.Answer) {
		r := a.Replies[0].Shown
		value, there, err := edit.One(r, len(r.Values) > 1 && a.Picks(a.Requests[0].Key))
		if err == nil {
			err = show(w, value, there)
		}
		if err != nil {
			w.Error(batch.ErrorText(err))
		}
	}
}

// showNoted renders the number that Decide has noted.
func showNoted(n *int64) batch.Render { return func(w *resp.Writer, _ *batch.Answer) { w.Int(*n) } }
