package replica_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"kvd/logical"
	"kvd/replica"
	"kvd/resolve"
	"kvd/resolve/limits"
)

// decided asks for what decide says.
func decided(key string, decide func(replica.Present) (replica.Write, error)) *replica.Request {
	return &replica.Request{Verb: replica.Update, Key: key, Decide: decide}
}

// writes is a decision that is made already.
func writes(w replica.Write) func(replica.Present) (replica.Write, error) {
	return func(replica.Present) (replica.Write, error) { return w, nil }
}

func TestUpdateDoesWhatWasDecided(t *testing.T) {
	n := newNode(t, config("n1"), 7)
	n.ask(set("x", "1"))
	for i, c := range []struct {
		w           replica.Write
		shows, kind string
		wrote       string
	}{
		{replica.Write{Verb: replica.Incr, Delta: 41}, "[42]", "add", "42"},
		{replica.Write{Verb: replica.Set, Value: []byte("b")}, "[b]", "put", ""},
		{replica.Write{Verb: replica.Set}, "[]", "put", ""}, // an empty value is a value
		{replica.Write{Verb: replica.Remove}, "[]", "delete", ""},
	} {
		var saw replica.Present
		n.pass(time.Millisecond) // or stamps would be equal
		rep := n.ask(decided("x", func(p replica.Present) (replica.Write, error) { saw = p; return c.w, nil }))
		if rep.Err != nil || fmt.Sprintf("%s", rep.Shown.Values) != c.shows || string(rep.Wrote) != c.wrote {
			t.Errorf("%d is answered %+v", i, rep)
		}
		op, _ := n.store.Op(rep.Dot)
		if op.Kind.String() != c.kind || !slices.Equal(op.Parents, saw.Reading.Dots) {
			t.Errorf("%d became %+v over %v; it was decided over %v", i, op, op.Parents, saw.Reading.Dots)
		}
		if saw.Now != n.moment().Wall {
			t.Errorf("%d was decided at %s, the leader's clock is %s", i, saw.Now, n.moment().Wall)
		}
	}
}

func TestUpdateMayLeaveTheKeyAlone(t *testing.T) {
	n := newNode(t, config("n1"), 7)
	n.ask(set("x", "1"))
	out := n.cycle(decided("x", writes(replica.Write{Verb: replica.Get})))
	rep := out.Replies[0]
	if !rep.Dot.IsZero() || rep.Err != nil || string(rep.Shown.Values[0]) != "1" || rep.Token.Frontier.At(7) != 1 {
		t.Errorf("answered %+v", rep)
	}
	if len(out.Puts) != 0 || len(out.Events) != 0 {
		t.Errorf("nothing was to be written, and %v were put", out.Puts)
	}
}

func TestUpdateAnswersTheDecidersError(t *testing.T) {
	n := newNode(t, config("n1"), 7)
	why := errors.New("no")
	for name, c := range map[string]struct {
		q    *replica.Request
		want error
	}{
		"decided against": {decided("x", func(replica.Present) (replica.Write, error) { return replica.Write{Verb: replica.Set}, why }), why},
		"nobody decides":  {decided("x", nil), replica.ErrBadRequest},
		"no verb":         {decided("x", writes(replica.Write{})), replica.ErrBadRequest},
		"itself":          {decided("x", writes(replica.Write{Verb: replica.Update})), replica.ErrBadRequest},
		"too long":        {decided("x", writes(replica.Write{Verb: replica.Set, Value: make([]byte, limits.Value+1)})), replica.ErrBadRequest},
		"no number":       {decided("w", writes(replica.Write{Verb: replica.Incr})), resolve.ErrNotInteger},
	} {
		n.ask(set("w", "word"))
		out := n.cycle(c.q)
		if rep := out.Replies[0]; !errors.Is(rep.Err, c.want) || len(out.Puts) != 0 {
			t.Errorf("%s: answered %v with %d puts, want %v", name, rep.Err, len(out.Puts), c.want)
		}
	}
}

// A retry is answered with what the first try did; its author is not asked.
func TestRetriedUpdateDecidesOnce(t *testing.T) {
	n := newNode(t, config("n1"), 7)
	asked := 0
	again := func() *replica.Request {
		q := decided("x", func(replica.Present) (replica.Write, error) {
			asked++
			return replica.Write{Verb: replica.Incr, Delta: 5}, nil
		})
		q.Client, q.Number = 9, 1
		return q
	}
	first := n.ask(again())
	n.ask(incr("x", 1))
	rep := n.ask(again())
	if asked != 1 || !rep.Retry || rep.Dot != first.Dot || string(rep.Wrote) != "5" || rep.Delta != 5 || string(rep.Shown.Values[0]) != "6" {
		t.Errorf("decided %d times, answered %+v", asked, rep)
	}
}

// What an Update reads and writes has nothing in between, however many arrive
// together; and it waits for its token like any other.
func TestUpdatesFollowEachOther(t *testing.T) {
	n := newNode(t, config("n1"), 7)
	var in []replica.Input
	for range 20 {
		in = append(in, decided("x", func(p replica.Present) (replica.Write, error) {
			return replica.Write{Verb: replica.Set, Value: fmt.Append(nil, len(p.Reading.Values), p.Reading.Dots)}, nil
		}))
	}
	n.now += 1e6
	out := n.cycle(in...)
	for i, rep := range out.Replies[1:] {
		if len(rep.Over) != 1 || rep.Over[0].Seq > logical.Seq(i+1) {
			t.Errorf("update %d went over %v", i+1, rep.Over)
		}
	}
	q := decided("x", writes(replica.Write{Verb: replica.Remove}))
	q.Token.Frontier = logical.FrontierOf(logical.Dot{Origin: 8, Seq: 1})
	if out := n.cycle(q); len(out.Replies) != 0 {
		t.Errorf("answered %+v before what the token has seen", out.Replies)
	}
}
