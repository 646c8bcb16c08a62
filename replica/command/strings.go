package command

import (
	"kvd/replica"
	"kvd/replica/acl"
	"kvd/replica/command/edit"
	"kvd/replica/resp"
	"kvd/replica/resp/batch"
	"kvd/replica/resp/server"
	"kvd/replica/resp/spec"
	"kvd/wallclock"
)

func stringCommands() []server.Command {
	only := spec.KeySpec{First: 1, Last: 1, Step: 1}
	return []server.Command{
		{Name: "get", Arity: 2, Flags: spec.Read | spec.Fast, Needs: acl.Read, Keys: only, Since: "1.0.0", Plan: planGet, Summary: "Answers the value of a key."},
		{Name: "set", Arity: -3, Flags: spec.Write, Needs: acl.Write, Keys: only, Since: "1.0.0", Plan: planSet, Summary: "Sets a key over whatever this leader shows of it; with NX, XX, IFEQ or IFNE only if that fits." + edit.BetweenLeaders},
		{Name: "setnx", Arity: 3, Flags: spec.Write | spec.Fast, Needs: acl.Write, Keys: only, Since: "1.0.0", Plan: planEdit("setnx"), Summary: "Sets a key if this leader shows none."},
		{Name: "setex", Arity: 4, Flags: spec.Write, Needs: acl.Write, Keys: only, Since: "2.0.0", Plan: planEdit("setex"), Summary: "Sets a key that ends after seconds."},
		{Name: "psetex", Arity: 4, Flags: spec.Write, Needs: acl.Write, Keys: only, Since: "2.6.0", Plan: planEdit("psetex"), Summary: "Sets a key that ends after milliseconds."},
		{Name: "getset", Arity: 3, Flags: spec.Write | spec.Fast, Needs: acl.Read | acl.Write, Keys: only, Since: "1.0.0", Plan: planEdit("getset"), Summary: "Sets a key and answers what it showed."},
		{Name: "getdel", Arity: 2, Flags: spec.Write | spec.Fast, Needs: acl.Read | acl.Write, Keys: only, Since: "6.2.0", Plan: planEdit("getdel"), Summary: "Removes a key and answers what it showed."},
		{Name: "getex", Arity: -2, Flags: spec.Write | spec.Fast, Needs: acl.Read | acl.Write, Keys: only, Since: "6.2.0", Plan: planGetEx, Summary: "Answers a value and changes when it ends."},
		{Name: "append", Arity: 3, Flags: spec.Write | spec.Fast, Needs: acl.Write, Keys: only, Since: "2.0.0", Plan: planEdit("append"), Summary: "Puts text behind the value of a key."},
		{Name: "strlen", Arity: 2, Flags: spec.Read | spec.Fast, Needs: acl.Read, Keys: only, Since: "2.2.0", Plan: planStrlen, Summary: "Answers how long a value is."},
		{Name: "mget", Arity: -2, Flags: spec.Read | spec.Fast, Needs: acl.Read, Keys: spec.KeySpec{First: 1, Last: -1, Step: 1}, Since: "1.0.0", Plan: planMGet, Summary: "Answers the values of several keys."},
		{Name: "mset", Arity: -3, Flags: spec.Write, Needs: acl.Write, Keys: spec.KeySpec{First: 1, Last: -1, Step: 2}, Since: "1.0.1", Plan: planMSet, Summary: "Sets several keys in one batch."},
		{Name: "incr", Arity: 2, Flags: spec.Write | spec.Fast, Needs: acl.Read | acl.Write, Keys: only, Since: "1.0.0", Plan: planEdit("incr"), Summary: "Adds one to the number of a key."},
		{Name: "decr", Arity: 2, Flags: spec.Write | spec.Fast, Needs: acl.Read | acl.Write, Keys: only, Since: "1.0.0", Plan: planEdit("decr"), Summary: "Takes one from the number of a key."},
		{Name: "incrby", Arity: 3, Flags: spec.Write | spec.Fast, Needs: acl.Read | acl.Write, Keys: only, Since: "1.0.0", Plan: planEdit("incrby"), Summary: "Adds to the number of a key."},
		{Name: "decrby", Arity: 3, Flags: spec.Write | spec.Fast, Needs: acl.Read | acl.Write, Keys: only, Since: "1.0.0", Plan: planEdit("decrby"), Summary: "Takes from the number of a key."},
	}
}

func planGet(k *server.Call) (batch.Render, error) {
	_, err := k.Ask(replica.Get, k.Args[1])
	return showValue, err
}

// showValue renders what a Get shows.
func showValue(w *resp.Writer, a *batch.Answer) {
	r := a.Replies[0].Shown
	value, there, err := edit.One(r, len(r.Values) > 1 && a.Picks(a.Requests[0].Key))
	switch {
	case err != nil:
		w.Error(batch.ErrorText(err))
	case there:
		w.Bulk(value)
	default:
		w.Null()
	}
}

// showSeen renders the value that Decide was shown. Siblings were refused there
// unless the first may be picked.
func showSeen(w *resp.Writer, a *batch.Answer) {
	if len(a.Seen.Values) == 0 {
		w.Null()
		return
	}
	w.Bulk(a.Seen.Values[0])
}

func showOK(w *resp.Writer, _ *batch.Answer) { w.Simple("OK") }

// showWrote renders OK if anything was written.
func showWrote(w *resp.Writer, a *batch.Answer) {
	if a.Replies[0].Dot.IsZero() {
		w.Null()
		return
	}
	w.Simple("OK")
}

// showCount renders how many requests wrote.
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
	if o.Compare.Kind != edit.AnyValue {
		o.Compare.Value = k.Bytes(o.Compare.At)
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

func planStrlen(k *server.Call) (batch.Render, error) {
	_, err := k.Ask(replica.Get, k.Args[1])
	return showLength, err
}

// showLength renders the length of what the key shows now.
func showLength(w *resp.Writer, a *batch.Answer) {
	r := a.Replies[0].Shown
	value, _, err := edit.One(r, len(r.Values) > 1 && a.Picks(a.Requests[0].Key))
	if err != nil {
		w.Error(batch.ErrorText(err))
		return
	}
	w.Int(int64(len(value)))
}

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
		if v := a.Replies[i].Shown.Values; len(v) > 0 {
			w.Bulk(v[0])
		} else {
			w.Null()
		}
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

// showNumber renders what an addition came to.
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
