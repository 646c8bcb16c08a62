package answers

import (
	"context"
	"errors"
	"strconv"
	"time"

	"kvd/logical"
	"kvd/replica"
	"kvd/replica/acl"
	"kvd/replica/ledger"
	"kvd/replica/ledger/explain"
	"kvd/replica/node/internal/fields"
	"kvd/replica/node/internal/options"
	"kvd/replica/resp"
	"kvd/replica/resp/server"
	"kvd/replica/resp/token"
)

type restoring struct {
	lost           logical.Dot
	token          replica.Token
	client, number uint64
	force          bool
}

// restore is KVD.RESTORE: it looks up what was lost and what its key shows, in one
// snapshot, and then writes like any other client.
func (an *Answers) restore(ctx context.Context, args [][]byte, w *resp.Writer) (logical.Dot, error) {
	r, err := readRestoring(args)
	if err != nil {
		return logical.Dot{}, err
	}
	var at *snapshot
	var q *replica.Request
	err = an.catchUp(r)
	if err == nil {
		at, err = an.about(ctx, func(snap *snapshot, reader *ledger.Reader) (err error) {
			if err = reaches(acl.Of(ctx), reader, r.lost); err != nil {
				return err
			}
			if q, err = r.request(snap, reader); err == nil && !acl.Of(ctx).Reaches(q.Key) { // a request id that another write has
				err = server.ErrKeyDenied
			}
			return err
		})
	}
	if err != nil {
		return logical.Dot{}, refused(err)
	}
	value := q.Value
	reply, err := an.write(q)
	if err != nil {
		return logical.Dot{}, err
	}
	back := an.readBack(ctx, reply.Dot)
	seen := reply.Token.Join(r.token)
	w.Map(12)
	at.head(w)
	fields.Text(w, "key", q.Key)
	w.Text("value")
	w.Bulk(value)
	fields.Text(w, "restored", r.lost.String())
	fields.Text(w, "dot", reply.Dot.String())
	fields.List(w, "over", reply.Over, func(d logical.Dot) { w.Text(d.String()) })
	fields.Text(w, "token", token.Token{Seen: seen, Keyed: true, Key: q.Key, Shown: []logical.Dot{reply.Dot}}.String())
	fields.Flag(w, "retry", reply.Retry)
	fields.Text(w, "state", back.state.String())
	fields.Text(w, "text", back.text)
	fields.Number(w, "until", int64(back.until))
	return reply.Dot, nil
}

// reaches refuses a user who has no rights to the key of a write, before anything is
// told of it.
func reaches(user *acl.Rights, reader *ledger.Reader, d logical.Dot) error {
	if user.Everywhere() {
		return nil
	}
	f, err := reader.Fate(d)
	if err == nil && f.Key != "" && !user.Reaches(f.Key) {
		err = server.ErrKeyDenied
	}
	return err
}

// readBack is what became of a restoration by the time it was durable, under the
// resolver that serves its key.
type readBack struct {
	state ledger.State
	text  string        // why, as a clause
	until time.Duration // Lost: how long the same would happen here again; zero: that is over
}

// readBack asks what became of the write with dot d, which this leader has just
// made. That it was made stands whatever comes of the question.
func (an *Answers) readBack(ctx context.Context, d logical.Dot) (back readBack) {
	_, err := an.about(ctx, func(_ *snapshot, reader *ledger.Reader) error {
		f, err := reader.Fate(d)
		if err != nil || len(f.Verdicts) == 0 {
			return err
		}
		back.state, back.text = f.Verdicts[0].State, explain.Verdict(&f.Verdicts[0])
		if back.state != ledger.Lost {
			return nil
		}
		again, err := reader.Restore(d)
		if err == nil {
			back.until = again.Until
		}
		return err
	})
	if back.text == "" {
		back.state, back.text = ledger.Unclear, "unclear: what became of it could not be read back"
		if err != nil {
			back.text += ": " + explain.Error(err)
		}
	}
	return back
}

func readRestoring(args [][]byte) (r restoring, err error) {
	if r.lost, err = logical.ParseDot(string(args[1])); err != nil {
		return r, err
	}
	o, err := options.Read(args[2:], options.Option{Name: "TOKEN", Values: 1}, options.Option{Name: "REQUEST", Values: 2}, options.Option{Name: "FORCE"})
	if err != nil {
		return r, err
	}
	r.force = o.Has("FORCE")
	if id := o["REQUEST"]; id != nil {
		var bad, worse error
		r.client, bad = strconv.ParseUint(id[0], 10, 64)
		r.number, worse = strconv.ParseUint(id[1], 10, 64)
		if bad != nil || worse != nil || r.client == 0 {
			return r, errors.New("a request is two integers, the client above zero and its number; draw the client at random, count the number")
		}
	}
	if o.Has("TOKEN") {
		t, err := token.Parse(o.One("TOKEN"))
		if err != nil {
			return r, err
		}
		r.token = t.Seen
	}
	return r, nil
}

// request is what to write. A retry of a restoration that was made is told what
// that did, whatever became of the loss since.
func (r *restoring) request(snap *snapshot, reader *ledger.Reader) (*replica.Request, error) {
	q, err := r.again(snap)
	if q == nil && err == nil {
		var found *ledger.Restoration
		if found, err = reader.Restore(r.lost); err == nil {
			q = found.Request
			if found.Until > 0 && !r.force {
				err = resp.Refuse("BEATEN", "%d restore %s: %s; wait so long, restore it at a leader whose clock is further on, or say FORCE",
					int64(found.Until), r.lost, explain.Beaten(found))
			}
		}
	}
	if err != nil {
		return nil, err
	}
	q.Client, q.Number, q.Token = r.client, r.number, r.token
	return q, nil
}

// again is the request once more if it was accepted before; nil: it was not.
func (r *restoring) again(snap *snapshot) (*replica.Request, error) {
	if r.client == 0 {
		return nil, nil
	}
	d, found, err := snap.Request(r.client, r.number)
	if err != nil || !found {
		return nil, err
	}
	op, found, err := snap.Op(d)
	if err != nil || !found {
		return nil, err
	}
	return &replica.Request{Verb: replica.Set, Key: op.Key, Value: op.Value}, nil
}

// refused says it with the code that programs look at.
func refused(err error) error {
	for _, r := range []struct {
		code string
		why  error
	}{
		{"NOTLOST", ledger.ErrNotLost}, {"UNKNOWN", ledger.ErrUnknown}, {"FORGOTTEN", ledger.ErrForgotten},
		{"DELETION", ledger.ErrDeletion}, {"EXPIRED", ledger.ErrExpired}, {"UNCLEAR", ledger.ErrUnclear},
	} {
		if errors.Is(err, r.why) {
			return resp.Refuse(r.code, "%s", explain.Error(err))
		}
	}
	if errors.Is(err, ledger.ErrTouch) {
		return errors.New(explain.Error(err))
	}
	return err
}

// catchUp waits, as any read with a token does, until this leader has applied what
// the client has seen: what the key shows is looked up afterwards.
func (an *Answers) catchUp(r restoring) error {
	if an.cfg.Loop.Frontier().Includes(r.token.Frontier) {
		return nil
	}
	_, err := an.write(&replica.Request{Verb: replica.Get, Key: r.lost.String(), Token: r.token})
	return err
}

// write sends one request the way of all requests and waits until it is answered:
// the loop answers whatever it has taken.
func (an *Answers) write(q *replica.Request) (replica.Reply, error) {
	answer := make(chan replica.Reply, 1)
	if err := an.cfg.Do([]*replica.Request{q}, func(replies []replica.Reply) { answer <- replies[0] }); err != nil {
		return replica.Reply{}, err
	}
	reply := <-answer
	return reply, Draining(reply.Err)
}
