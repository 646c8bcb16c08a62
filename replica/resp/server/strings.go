package server

import (
	"math"

	"kvd/replica"
	"kvd/replica/acl"
	"kvd/replica/resp"
	"kvd/wallclock"
)

func stringCommands() []command {
	only := keySpec{1, 1, 1}
	return []command{
		{name: "get", arity: 2, flags: read | fast, needs: acl.Read, keys: only, since: "1.0.0", plan: planGet, summary: "Answers the value of a key."},
		{name: "set", arity: -3, flags: write, needs: acl.Write, keys: only, since: "1.0.0", plan: planSet, summary: "Sets a key over whatever this leader shows of it; with NX, XX, IFEQ or IFNE only if that fits." + betweenLeaders},
		{name: "setnx", arity: 3, flags: write | fast, needs: acl.Write, keys: only, since: "1.0.0", plan: planSetNX, summary: "Sets a key if this leader shows none."},
		{name: "setex", arity: 4, flags: write, needs: acl.Write, keys: only, since: "2.0.0", plan: planSetEX("EX"), summary: "Sets a key that ends after seconds."},
		{name: "psetex", arity: 4, flags: write, needs: acl.Write, keys: only, since: "2.6.0", plan: planSetEX("PX"), summary: "Sets a key that ends after milliseconds."},
		{name: "getset", arity: 3, flags: write | fast, needs: acl.Read | acl.Write, keys: only, since: "1.0.0", plan: planGetSet, summary: "Sets a key and answers what it showed."},
		{name: "getdel", arity: 2, flags: write | fast, needs: acl.Read | acl.Write, keys: only, since: "6.2.0", plan: planGetDel, summary: "Removes a key and answers what it showed."},
		{name: "getex", arity: -2, flags: write | fast, needs: acl.Read | acl.Write, keys: only, since: "6.2.0", plan: planGetEx, summary: "Answers a value and changes when it ends."},
		{name: "append", arity: 3, flags: write | fast, needs: acl.Write, keys: only, since: "2.0.0", plan: planAppend, summary: "Puts text behind the value of a key."},
		{name: "strlen", arity: 2, flags: read | fast, needs: acl.Read, keys: only, since: "2.2.0", plan: planStrlen, summary: "Answers how long a value is."},
		{name: "mget", arity: -2, flags: read | fast, needs: acl.Read, keys: keySpec{1, -1, 1}, since: "1.0.0", plan: planMGet, summary: "Answers the values of several keys."},
		{name: "mset", arity: -3, flags: write, needs: acl.Write, keys: keySpec{1, -1, 2}, since: "1.0.1", plan: planMSet, summary: "Sets several keys in one batch."},
		{name: "incr", arity: 2, flags: write | fast, needs: acl.Read | acl.Write, keys: only, since: "1.0.0", plan: planStep(1), summary: "Adds one to the number of a key."},
		{name: "decr", arity: 2, flags: write | fast, needs: acl.Read | acl.Write, keys: only, since: "1.0.0", plan: planStep(-1), summary: "Takes one from the number of a key."},
		{name: "incrby", arity: 3, flags: write | fast, needs: acl.Read | acl.Write, keys: only, since: "1.0.0", plan: planIncrBy, summary: "Adds to the number of a key."},
		{name: "decrby", arity: 3, flags: write | fast, needs: acl.Read | acl.Write, keys: only, since: "1.0.0", plan: planDecrBy, summary: "Takes from the number of a key."},
	}
}

func planGet(k *call) (render, error) {
	_, err := k.ask(replica.Get, k.args[1])
	return showValue, err
}

// showValue renders what a Get shows.
func showValue(w *resp.Writer, a *answer) {
	r := a.replies[0].Shown
	value, there, err := one(r, len(r.Values) > 1 && a.pick(a.reqs[0].Key))
	switch {
	case err != nil:
		w.Error(errorText(err))
	case there:
		w.Bulk(value)
	default:
		w.Null()
	}
}

// showSeen renders the value that Decide was shown. Siblings were refused there
// unless the first may be picked.
func showSeen(w *resp.Writer, a *answer) {
	if len(a.seen.values) == 0 {
		w.Null()
		return
	}
	w.Bulk(a.seen.values[0])
}

func showOK(w *resp.Writer, _ *answer) { w.Simple("OK") }

// showWrote renders OK if anything was written.
func showWrote(w *resp.Writer, a *answer) {
	if a.replies[0].Dot.IsZero() {
		w.Null()
		return
	}
	w.Simple("OK")
}

// showCount renders how many requests wrote.
func showCount(w *resp.Writer, a *answer) {
	var n int64
	for i := range a.replies {
		if !a.replies[i].Dot.IsZero() {
			n++
		}
	}
	w.Int(n)
}

func planSet(k *call) (render, error) {
	o, err := k.setting()
	if err != nil {
		return nil, err
	}
	if o.plain() {
		r, err := k.ask(replica.Set, k.args[1])
		if err != nil {
			return nil, err
		}
		r.Value, r.Expires, r.Quiet = k.bytes(2), o.life.deadline(wallclock.Interval{}), true
		return showOK, nil
	}
	if o.get || o.compare.kind != anyValue { // who may compare can find out what it shows
		if err := k.also(acl.Read); err != nil {
			return nil, err
		}
	}
	d := o.decide(k.bytes(2), k.picks(k.args[1]))
	if o.get {
		return showSeen, k.look(k.args[1], d)
	}
	return showWrote, k.decide(k.args[1], d)
}

func planSetNX(k *call) (render, error) {
	o := setting{absent: true}
	return showCount, k.decide(k.args[1], o.decide(k.bytes(2), k.picks(k.args[1])))
}

func planSetEX(unit string) func(*call) (render, error) {
	return func(k *call) (render, error) {
		life, err := k.lifetime(unit, 2)
		if err != nil {
			return nil, err
		}
		o := setting{life: life}
		return showOK, k.decide(k.args[1], o.decide(k.bytes(3), k.picks(k.args[1])))
	}
}

func planGetSet(k *call) (render, error) {
	o := setting{get: true}
	return showSeen, k.look(k.args[1], o.decide(k.bytes(2), k.picks(k.args[1])))
}

func planGetDel(k *call) (render, error) {
	return showSeen, k.look(k.args[1], takeAway(k.picks(k.args[1])))
}

func planGetEx(k *call) (render, error) {
	l, persists, err := k.getting()
	pick := k.picks(k.args[1])
	switch {
	case err != nil:
		return nil, err
	case persists:
		return showSeen, k.look(k.args[1], persist(pick))
	case l.unit == "":
		return planGet(k)
	}
	life, wrong := k.lifetimeOf(l)
	return showSeen, k.look(k.args[1], ifShown(pick, wrong, expiry{}.decide(life, pick)))
}

func planAppend(k *call) (render, error) {
	return showLength, k.decideAloud(k.args[1], appendTo(k.bytes(2), k.srv.cfg.Limits.Bulk, k.picks(k.args[1])))
}

func planStrlen(k *call) (render, error) {
	_, err := k.ask(replica.Get, k.args[1])
	return showLength, err
}

// showLength renders the length of what the key shows now.
func showLength(w *resp.Writer, a *answer) {
	r := a.replies[0].Shown
	value, _, err := one(r, len(r.Values) > 1 && a.pick(a.reqs[0].Key))
	if err != nil {
		w.Error(errorText(err))
		return
	}
	w.Int(int64(len(value)))
}

func planMGet(k *call) (render, error) { return showValues, k.each(replica.Get, 1) }

// showValues renders MGET. Siblings fail the whole command: clients that expect
// strings do not expect an error among them.
func showValues(w *resp.Writer, a *answer) {
	for i := range a.replies {
		if n := len(a.replies[i].Shown.Values); n > 1 && !a.pick(a.reqs[i].Key) {
			w.Error(errorText(conflict(n)))
			return
		}
	}
	w.Array(len(a.replies))
	for i := range a.replies {
		if v := a.replies[i].Shown.Values; len(v) > 0 {
			w.Bulk(v[0])
		} else {
			w.Null()
		}
	}
}

func planMSet(k *call) (render, error) {
	if len(k.args)%2 == 0 {
		return nil, resp.WrongArity("mset")
	}
	for i := 1; i < len(k.args); i += 2 {
		r, err := k.ask(replica.Set, k.args[i])
		if err != nil {
			return nil, err
		}
		r.Value, r.Quiet = k.bytes(i+1), true
	}
	return showOK, nil
}

// planStep makes its Decide once: INCR of a hot key allocates none.
func planStep(delta int64) func(*call) (render, error) {
	d := add(delta)
	return func(k *call) (render, error) { return showNumber, k.decideAloud(k.args[1], d) }
}

func planIncrBy(k *call) (render, error) {
	n, err := k.int(2)
	if err != nil {
		return nil, err
	}
	return showNumber, k.decideAloud(k.args[1], add(n))
}

func planDecrBy(k *call) (render, error) {
	n, err := k.int(2)
	if err != nil {
		return nil, err
	}
	if n == math.MinInt64 {
		return nil, resp.Error("ERR decrement would overflow")
	}
	return showNumber, k.decideAloud(k.args[1], add(-n))
}

// showNumber renders what an addition came to.
func showNumber(w *resp.Writer, a *answer) {
	r := &a.replies[0]
	value := r.Wrote
	if len(value) == 0 && len(r.Shown.Values) > 0 {
		value = r.Shown.Values[0]
	}
	n, ok := resp.ParseInt(value)
	if !ok {
		w.Error(errorText(resp.ErrNotInteger))
		return
	}
	w.Int(n)
}
