package command

import (
	"kvd/replica"
	"kvd/replica/command/edit"
	"kvd/replica/resp"
	"kvd/replica/resp/batch"
	"kvd/replica/resp/server"
)

// planEdit is the plan of an operation.
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
	told := d
	if reply == edit.Was {
		s := k.Note()
		told = func(p replica.Present) (replica.Write, error) {
			s.Values = p.Reading.Values
			return d(p)
		}
	}
	err := k.Decide(k.Args[1], told)
	if err == nil {
		k.Last().Keeps, k.Last().Quiet = reply == edit.Was, reply != edit.Length && reply != edit.Number
	}
	return shows[reply], err
}

// shows is how replies are rendered.
var shows = [...]batch.Render{
	edit.OK: showOK, edit.Wrote: showWrote, edit.Count: showCount, edit.Was: showSeen, edit.Length: showLength, edit.Number: showNumber,
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

// readOne adds a Get of argument 1, of whose one value show makes the reply. On an
// error it has written nothing.
func readOne(k *server.Call, show func(w *resp.Writer, value []byte, there bool) error) (batch.Render, error) {
	_, err := k.Ask(replica.Get, k.Args[1])
	return func(w *resp.Writer, a *batch.Answer) {
		r := a.Replies[0].Shown
		value, there, err := edit.One(r, len(r.Values) > 1 && a.Picks(a.Requests[0].Key))
		if err == nil {
			err = show(w, value, there)
		}
		if err != nil {
			w.Error(batch.ErrorText(err))
		}
	}, err
}

// showComputed renders the number that Decide noted.
func showComputed(w *resp.Writer, a *batch.Answer) { w.Int(a.Seen.Number) }
