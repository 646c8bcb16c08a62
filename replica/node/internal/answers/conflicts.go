package answers

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"kvd/logical"
	"kvd/replica"
	"kvd/replica/acl"
	"kvd/replica/node/internal/fields"
	"kvd/replica/node/internal/options"
	"kvd/replica/resp"
	"kvd/replica/resp/server"
	"kvd/resolve"
	"kvd/storage"
)

// Bounds of what one answer of KVD.CONFLICTS holds, and of what it looks at.
const maxConflicts, conflictBytes, maxConflictsRead = 1000, 1 << 20, 10_000

type conflict struct {
	here, there *resolve.Op
	by          logical.Dot // settles it; zero: nothing does
}

// conflictPage is some of them, as of one snapshot.
type conflictPage struct {
	storage.Conflicts
	all  []conflict
	next logical.Dot // where the next page goes on; zero: there is none
	err  error
}

// conflicts is a page of the dots after one; of those that nothing settles, if open.
// What the user that asks may not read is left out.
func (snap *snapshot) conflicts(after logical.Dot, open bool) (*conflictPage, error) {
	p, user := &conflictPage{}, acl.Of(snap.ctx)
	var err error
	if p.Conflicts, err = snap.ConflictStats(); err != nil {
		return nil, err
	}
	bytes, read, last := 0, 0, after
	err = snap.Snapshot.Conflicts(after, func(there *resolve.Op) bool {
		if there.Dot != last && (len(p.all) >= maxConflicts || bytes > conflictBytes || read >= maxConflictsRead) {
			p.next = last
			return false
		}
		last = there.Dot
		read++
		c := conflict{there: there}
		settled, found := false, false
		if c.by, settled, p.err = snap.SettledBy(last); p.err != nil || settled && open {
			return p.err == nil
		}
		if c.here, found, p.err = snap.Op(last); found && user.Reaches(c.here.Key) && user.Reaches(there.Key) {
			p.all = append(p.all, c)
			bytes += len(c.here.Value) + len(there.Value)
		}
		return p.err == nil
	})
	return p, errors.Join(err, p.err)
}

// tellConflicts is KVD.CONFLICTS: which dots have one content here and another at a
// leader that was met, by dot.
func (an *Answers) tellConflicts(ctx context.Context, args [][]byte, w *resp.Writer) error {
	o, err := options.Read(args[1:], options.Option{Name: "AFTER", Values: 1}, options.Option{Name: "OPEN"})
	if err != nil {
		return err
	}
	var after logical.Dot
	if o.Has("AFTER") {
		if after, err = logical.ParseDot(o.One("AFTER")); err != nil {
			return fmt.Errorf("AFTER is %.64q: %w", o.One("AFTER"), err)
		}
	}
	open := o.Has("OPEN")
	var p *conflictPage
	at, err := an.ask(ctx, func(snap *snapshot) (err error) {
		p, err = snap.conflicts(after, open)
		return err
	})
	if err != nil {
		return err
	}
	w.Map(9)
	at.head(w)
	fields.Text(w, "origin", an.cfg.Origin.String())
	fields.List(w, "refuses", an.cfg.Loop.Status().Refusals, func(r replica.Refusal) {
		w.Map(2)
		fields.Text(w, "cause", string(r.Cause))
		fields.Text(w, "detail", r.Detail)
	})
	fields.Number(w, "total", p.Dots)
	fields.Number(w, "open", p.Open)
	fields.Number(w, "omitted", p.Omitted)
	fields.DotOrNull(w, "next", p.next)
	fields.List(w, "conflicts", p.all, func(c conflict) {
		w.Map(5)
		fields.Text(w, "dot", c.here.Dot.String())
		fields.Text(w, "leader", an.cfg.NameOf(c.here.Dot.Origin))
		fields.DotOrNull(w, "settled", c.by)
		w.Text("here")
		writeContents(w, c.here.Key, c.here.Kind, c.here.Value)
		w.Text("there")
		writeContents(w, c.there.Key, c.there.Kind, c.there.Value)
	})
	return nil
}

func writeContents(w *resp.Writer, key string, kind resolve.Kind, value []byte) {
	w.Map(3)
	w.Text("key")
	w.Bulk([]byte(key))
	fields.Text(w, "kind", kind.String())
	w.Text("value")
	if kind == resolve.Delete {
		w.Null()
	} else {
		w.Bulk(value)
	}
}

// accept is KVD.ACCEPT: it settles a dot that has two contents. Both keys, or the one
// that both are of, are written again, so that every leader shows the same; the dot and
// its contents stay what they are. NEWER says that what the key has been given since
// stays.
func (an *Answers) accept(ctx context.Context, args [][]byte, w *resp.Writer) (logical.Dot, error) {
	d, err := logical.ParseDot(string(args[1]))
	if err != nil {
		return d, err
	}
	m := &replica.Settlement{}
	switch strings.ToUpper(string(args[2])) {
	case "HERE":
	case "THERE":
		m.Chosen = 1
	case "SHOWN":
		m.Chosen = replica.KeepShown
	default:
		return d, fmt.Errorf("content %.64q: say HERE for the one in this leader's log, THERE for the other's, SHOWN for what the key shows", args[2])
	}
	o, err := options.Read(args[3:], options.Option{Name: "NEWER"})
	if err != nil {
		return d, err
	}
	m.Newer = o.Has("NEWER")
	_, err = an.ask(ctx, func(snap *snapshot) (err error) {
		m.Contents, err = snap.contentsOf(d)
		for _, c := range m.Contents {
			if err == nil && c != nil && !acl.Of(ctx).Reaches(c.Key) {
				err = server.ErrKeyDenied
			}
		}
		return err
	})
	if err != nil {
		return d, err
	}
	reply, err := an.write(&replica.Request{Verb: replica.Settle, Key: m.Contents[0].Key, Settlement: m, Token: replica.Seen(m)})
	if err != nil {
		return d, err
	}
	w.Map(4)
	fields.Text(w, "leader", an.cfg.Name)
	w.Text("key")
	w.Bulk([]byte(m.Contents[max(m.Chosen, 0)].Key))
	fields.Text(w, "accepted", d.String())
	fields.Text(w, "dot", reply.Dot.String())
	return reply.Dot, nil
}

// contentsOf is the contents of a dot that is known to have two and is not settled:
// first that of the log here.
func (snap *snapshot) contentsOf(d logical.Dot) ([]*resolve.Op, error) {
	there, err := snap.ConflictsOf(d)
	if err != nil {
		return nil, err
	}
	by, settled, err := snap.SettledBy(d)
	switch {
	case err != nil:
		return nil, err
	case len(there) == 0:
		return nil, resp.Refuse("UNKNOWN", "%s is not known here to have two contents; KVD.CONFLICTS lists those that have", d)
	case settled:
		return nil, resp.Refuse("SETTLED", "%s is settled already, by %s; what its keys show is set like that of any other", d, by)
	}
	mine, found, err := snap.Op(d)
	if err == nil && !found {
		err = resp.Refuse("FORGOTTEN", "%s is no longer in the log here", d)
	}
	return append([]*resolve.Op{mine}, there...), err
}
