package command

import (
	"kvd/replica"
	"kvd/replica/command/edit"
	"kvd/replica/resp"
	"kvd/replica/resp/batch"
	"kvd/replica/resp/server"
	"kvd/resolve"
)

// decideShown is decide for a render that is shown it.
func decideShown(k *server.Call, key []byte, d func(replica.Present) (replica.Write, error)) error {
	err := k.Decide(key, d)
	if err == nil {
		k.Last().Quiet = false
	}
	return err
}

// peek adds an Update whose render wants to know when the key ends, and whether it
// shows anything, but no values.
func peek(k *server.Call, key []byte) error {
	s := k.Note()
	return k.Decide(key, func(p replica.Present) (replica.Write, error) {
		s.Present = p
		s.Present.Reading.Values, s.Present.Reading.Dots = make([][]byte, min(1, len(p.Reading.Values))), nil
		return edit.Nothing()
	})
}

// decideSeen adds an Update whose render wants to know what Decide was shown. What is
// retained depends on nothing but what Decide is given, so deciding again would keep
// the same.
func decideSeen(k *server.Call, key []byte, d func(replica.Present) (replica.Write, error)) error {
	s := k.Note()
	err := k.Decide(key, func(p replica.Present) (replica.Write, error) {
		s.Values, s.Present = p.Reading.Values, p
		return d(p)
	})
	if err == nil {
		k.Last().Keeps = true
	}
	return err
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

// compute adds an Update whose render writes a number that Decide came to.
func compute(k *server.Call, key []byte, d func(p replica.Present, n *int64) (replica.Write, error)) (batch.Render, error) {
	s := k.Note()
	return showComputed, k.Decide(key, func(p replica.Present) (replica.Write, error) { return d(p, &s.Number) })
}

func showComputed(w *resp.Writer, a *batch.Answer) { w.Int(a.Seen.Number) }

// valueOf is the value of a key that shows one, empty if it shows none.
func valueOf(r resolve.Reading, pick bool) ([]byte, error) {
	value, _, err := edit.One(r, pick)
	return value, err
}
