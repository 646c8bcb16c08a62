package answers

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"kvd/logical"
	"kvd/replica/acl"
	"kvd/replica/console"
	"kvd/replica/ledger"
	"kvd/replica/ledger/explain"
	"kvd/replica/resp/server"
	"kvd/resolve"
	"kvd/wallclock"
)

// Bounds of what the console is told of one key.
const (
	pageWrites = 100
	pageValues = 20
)

// Pages is the store as the console asks it, as soon as clients are answered from it.
type Pages struct {
	Of      func() *Answers
	Loading func() *server.Loading // why nobody is answered from the data; nil: they are
}

var _ console.Store = Pages{}

// Key is why a key holds what it holds.
func (p Pages) Key(ctx context.Context, key string) (*console.KeyPage, error) {
	if err := p.notServed(); err != nil {
		return nil, err
	}
	return p.Of().keyPage(ctx, key)
}

// Sum adds up what became of every accepted write.
func (p Pages) Sum(ctx context.Context) (*console.Sum, error) {
	if err := p.notServed(); err != nil {
		return nil, err
	}
	return p.Of().sum(ctx)
}

func (p Pages) notServed() error {
	if why := p.Loading(); why != nil {
		return fmt.Errorf("%w: %s", console.ErrNotServed, why.Why)
	}
	return nil
}

// keyPage is what KVD.WHY and KVD.HISTORY answer of a key, for the console.
func (an *Answers) keyPage(ctx context.Context, key string) (*console.KeyPage, error) {
	var e *ledger.Explanation
	var past []*resolve.Op
	_, err := an.about(ctx, func(s *snapshot, reader *ledger.Reader) (err error) {
		if e, err = reader.Why(key); err == nil {
			past, err = ledger.History(s, key, pageWrites)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	p := &console.KeyPage{
		Leader: an.cfg.Name, Key: console.KeyText(key), Resolver: e.Serving.String(), Text: an.unledgered(explain.Key(e)), Tree: explain.Tree(e),
		Values: []console.Text{}, Losses: []console.Losing{}, Groups: []console.Lost{}, Lost: e.LostWrites, Left: e.PastLeft + e.LostLeft, Removed: e.Collected,
	}
	for _, v := range e.Values[:min(len(e.Values), pageValues)] {
		p.Values = append(p.Values, console.ValueText(v))
	}
	p.Left += len(e.Values) - len(p.Values)
	if e.Ends != 0 {
		p.Deadline = &console.Ends{At: moment(e.Ends), Agreed: moment(e.Agreed), By: dotOrNone(e.TouchedBy)}
	}
	for i := range e.Lost {
		p.Losses = append(p.Losses, losing(&e.Lost[i], e.Serving))
	}
	for _, g := range e.Groups {
		p.Groups = append(p.Groups, console.Lost{Resolver: g.Resolver.String(), Serving: g.Resolver == e.Serving, Relation: g.Relation.String(), Leader: g.Leader,
			Winner: dotOrNone(g.Winner), Writes: g.Writes, From: moment(g.From), To: moment(g.To)})
	}
	p.Writes = an.wrote(e, past)
	return p, nil
}

// wrote is every write that the explanation or the history has, each once.
func (an *Answers) wrote(e *ledger.Explanation, past []*resolve.Op) []console.Wrote {
	all, seen := []console.Wrote{}, map[logical.Dot]bool{}
	add := func(w *ledger.Write, state console.WriteState, by logical.Dot) {
		if !seen[w.Dot] && !w.Dot.IsZero() {
			seen[w.Dot] = true
			all = append(all, wrote(w, state, by))
		}
	}
	for i := range e.Shown {
		add(&e.Shown[i], console.WriteShown, logical.Dot{})
	}
	for i := range e.Past {
		add(&e.Past[i].Write, console.WriteOverwritten, e.Past[i].By)
	}
	for i := range e.Lost {
		if l := &e.Lost[i]; l.Resolver == e.Serving {
			add(&l.Was, console.WriteLost, l.Winner)
		}
	}
	for i := range e.Lost {
		add(&e.Lost[i].Was, console.WriteOther, logical.Dot{})
		add(&e.Lost[i].Won, console.WriteOther, logical.Dot{})
	}
	for _, op := range past {
		w := ledger.Write{Dot: op.Dot, Kind: op.Kind, Value: op.Value, Size: len(op.Value), Parents: op.Parents, Wall: op.Wall, HLC: op.HLC, Lamport: op.Lamport,
			Leader: an.cfg.NameOf(op.Dot.Origin), LogEntry: true}
		add(&w, console.WriteOther, logical.Dot{})
	}
	return all
}

func wrote(w *ledger.Write, state console.WriteState, by logical.Dot) console.Wrote {
	out := console.Wrote{Dot: w.Dot.String(), State: state, By: dotOrNone(by), Kind: w.Kind.String(), Leader: w.Leader, Author: w.Author, Error: w.Wall.HalfWidth().Seconds(),
		HLC: fmt.Sprintf("%d.%d", w.HLC.Wall, w.HLC.Count), Lamport: strconv.FormatUint(uint64(w.Lamport), 10), Parents: []string{}, InLog: w.LogEntry}
	if w.Wall != (wallclock.Interval{}) {
		out.Wall = moment(w.Wall.Midpoint())
	}
	if w.Kind != 0 && w.Kind != resolve.Delete && w.Kind != resolve.Touch {
		v := console.ValueText(w.Value)
		if v.Size = w.Size; w.Size > len(w.Value) {
			v.Shown += fmt.Sprintf("… (%d bytes)", w.Size)
		}
		out.Value = &v
	}
	for _, d := range w.Parents {
		out.Parents = append(out.Parents, d.String())
	}
	return out
}

func losing(l *ledger.LossRecord, serving resolve.ID) console.Losing {
	return console.Losing{Resolver: l.Resolver.String(), Serving: l.Resolver == serving, Relation: l.Relation.String(),
		Loser: l.Loser.String(), Winner: dotOrNone(l.Winner), At: moment(l.At.Midpoint()), Text: explain.Loss(l)}
}

func dotOrNone(d logical.Dot) string {
	if d.IsZero() {
		return ""
	}
	return d.String()
}

func moment(i wallclock.Instant) time.Time { return i.Time().UTC() }

// sum is what KVD.AUDIT answers, for the console.
func (an *Answers) sum(ctx context.Context) (*console.Sum, error) {
	if an.cfg.NoLedger {
		return nil, fmt.Errorf("%w: %s keeps no ledger of lost writes", console.ErrElsewhere, an.cfg.Name)
	}
	var r *ledger.Audit
	at, err := an.whole(ctx, func(reader *ledger.Reader) (err error) {
		r, err = reader.Audit(ledger.AuditOptions{Keys: acl.Of(ctx).Reads, MemoryBytes: auditBytes, Gaps: auditGaps})
		return err
	})
	if errors.Is(err, errBusy) {
		return nil, fmt.Errorf("%w: %w", console.ErrElsewhere, err)
	}
	if err != nil {
		return nil, err
	}
	s := &console.Sum{At: moment(at.now.Midpoint()), Keys: r.Keys, Removed: r.Removed.Beyond(logical.Frontier{}), Balances: []console.Balanced{}, Text: explain.Audit(r)}
	for i := range r.Balances {
		if b := &r.Balances[i]; b.Accepted > 0 {
			s.Balances = append(s.Balances, console.Balanced{Resolver: b.Resolver.String(), Accepted: b.Accepted, Live: b.Live, Superseded: b.Superseded, Lost: b.Lost() + b.Evicted, Holds: b.Holds()})
		}
	}
	return s, nil
}
