package account

import (
	"cmp"
	"errors"
	"fmt"
	"hash/fnv"
	"slices"
	"strings"

	"kvd/logical"
	"kvd/resolve"
)

// AuditOptions says what to audit, and at what price.
type AuditOptions struct {
	Prefix string
	// Sample audits one key in so many, by a hash of the key, so that all leaders
	// choose the same; 0 and 1 audit all.
	Sample uint64
	// HeldOps is how many ops are held in memory at once. What does not fit is
	// audited in further passes over the log. A key with more ops is left out and
	// named.
	HeldOps int
	// Gaps is how many ops that do not add up are named; the rest are counted.
	Gaps int
}

// Audit is whether every accepted write is live, superseded or lost, and never
// two of these, for every resolver of its key's panel. Ops are counted from the
// log, survivors from the objects, losses from the ledger; what is superseded
// follows from ancestry, and so does what is lost though the ledger has given up its
// row. None of it is got by subtracting the others.
type Audit struct {
	Leader   string
	Applied  logical.Frontier
	Keys     int
	Balances []Balance // by resolver
	Gaps     []Gap     // the first that do not add up, by key, dot, resolver
	Skipped  []string  // keys with too many ops
	// Stray counts ledger rows of ops that the log no longer holds: they cannot be
	// counted with the rest.
	Stray int
}

// Audit counts. It reads the whole log at least once.
func (a *Account) Audit(o AuditOptions) (*Audit, error) {
	if o.HeldOps <= 0 || o.Gaps < 0 {
		return nil, errors.New("audit: HeldOps must be above zero and Gaps not negative")
	}
	r := &auditor{Account: a, opt: o, out: &Audit{Applied: a.cfg.Applied}}
	for _, id := range resolve.IDs() {
		r.out.Balances = append(r.out.Balances, Balance{Resolver: id})
	}
	for r.todo = []span{{0, ^uint64(0)}}; len(r.todo) > 0; {
		s := r.todo[len(r.todo)-1]
		r.todo = r.todo[:len(r.todo)-1]
		if err := r.pass(s); err != nil {
			return nil, fmt.Errorf("audit: %w", err)
		}
	}
	return r.finish(), nil
}

// auditor is an audit under way.
type auditor struct {
	*Account
	opt  AuditOptions
	out  *Audit
	todo []span

	now  span // of key hashes that this pass holds
	keys map[string]*counted
	held int
}

// span is a range of key hashes, both ends included.
type span struct{ from, to uint64 }

// counted is what a pass knows of one key.
type counted struct {
	ops    map[logical.Dot]*trace
	byReq  map[[2]uint64][]logical.Dot
	ledger []resolve.Loss
}

// trace is one op without its value.
type trace struct {
	dot             logical.Dot
	parents, hidden []logical.Dot
	request         [2]uint64
	kind            resolve.Kind
	live, seen      resolve.Mask
	inverted, other resolve.Mask // in the ledger
}

// pass audits the keys of one span, or of as much of it as can be held; the rest
// is left to do.
func (r *auditor) pass(s span) error {
	r.now, r.keys, r.held = s, map[string]*counted{}, 0
	if err := r.each(r.take); err != nil {
		return err
	}
	err := r.ledger.LossesFrom(r.opt.Prefix, logical.Dot{}, func(l resolve.Loss) bool {
		if k, ok := r.keys[l.Key]; ok {
			k.ledger = append(k.ledger, l)
		}
		return strings.HasPrefix(l.Key, r.opt.Prefix)
	})
	if err != nil {
		return err
	}
	for key, k := range r.keys {
		if err := r.judge(key, k); err != nil {
			return err
		}
	}
	return nil
}

// each reads the whole log, each origin's in order.
func (a *Account) each(use func(*resolve.Op)) error {
	for last := range a.cfg.Applied.All() {
		for from := logical.Seq(1); from <= last.Seq; {
			ops, err := a.reader.Ops(last.Origin, from, scanOps, scanBytes)
			if err != nil {
				return err
			}
			if len(ops) == 0 {
				break
			}
			for _, op := range ops {
				if op.Dot.Seq <= last.Seq {
					use(op)
				}
			}
			from = ops[len(ops)-1].Dot.Seq + 1
		}
	}
	return nil
}

// take holds an op if its key is in this pass, and gives up half of the keys
// when there are too many.
func (r *auditor) take(op *resolve.Op) {
	if !strings.HasPrefix(op.Key, r.opt.Prefix) {
		return
	}
	h := hash(op.Key)
	if h < r.now.from || h > r.now.to || r.opt.Sample > 1 && h%r.opt.Sample != 0 || slices.Contains(r.out.Skipped, op.Key) {
		return
	}
	k := r.keys[op.Key]
	if k == nil {
		k = &counted{ops: map[logical.Dot]*trace{}, byReq: map[[2]uint64][]logical.Dot{}}
		r.keys[op.Key] = k
	}
	t := &trace{dot: op.Dot, parents: op.Parents, hidden: op.Hidden, kind: op.Kind}
	if op.HasRequest() {
		t.request = [2]uint64{op.Client, op.Request}
		k.byReq[t.request] = append(k.byReq[t.request], op.Dot)
	}
	k.ops[op.Dot] = t
	for r.held++; r.held > r.opt.HeldOps; {
		r.halve()
	}
}

// halve leaves the upper half of the pass to do later. Where only one key is
// left, that is skipped.
func (r *auditor) halve() {
	if len(r.keys) == 1 {
		for key := range r.keys {
			r.drop(key)
			r.out.Skipped = append(r.out.Skipped, key)
		}
		return
	}
	middle := r.now.from + (r.now.to-r.now.from)/2
	r.todo = append(r.todo, span{middle + 1, r.now.to})
	r.now.to = middle
	for key := range r.keys {
		if hash(key) > middle {
			r.drop(key)
		}
	}
}

func (r *auditor) drop(key string) {
	r.held -= len(r.keys[key].ops)
	delete(r.keys, key)
}

func hash(key string) uint64 {
	h := fnv.New64a()
	_, _ = h.Write([]byte(key)) // a hash takes everything
	x := h.Sum64()
	x = (x ^ x>>33) * 0xff51afd7ed558ccd
	return x ^ x>>33
}

// judge counts one key.
func (r *auditor) judge(key string, k *counted) error {
	o, err := r.reader.Object(key)
	if err != nil {
		return err
	}
	panel := r.cfg.Policy.Panel(key)
	r.out.Keys++
	for _, l := range k.ledger {
		t, ok := k.ops[l.Loser]
		switch {
		case !panel.Mask().Has(l.Resolver):
		case !ok:
			r.out.Stray++
		case l.Relation == resolve.Inverted:
			t.inverted |= l.Resolver.Mask()
		default:
			t.other |= l.Resolver.Mask()
		}
	}
	for _, id := range resolve.IDs() {
		if panel.Mask().Has(id) {
			r.count(key, k, id, k.mark(panel, o, id))
		}
	}
	return nil
}

// mark finds the survivors and all that they had seen. It reports whether a
// survivor's own op is gone.
func (k *counted) mark(panel resolve.Panel, o *resolve.Object, id resolve.ID) (beyond bool) {
	var queue []*trace
	reach := func(t *trace) {
		if t != nil && !t.seen.Has(id) {
			t.seen |= id.Mask()
			queue = append(queue, t)
		}
	}
	for _, i := range panel.Survivors(o, id, nil) {
		if t := k.ops[o.Versions[i].Dot]; t != nil {
			t.live |= id.Mask()
			reach(t)
		} else {
			beyond = true
		}
	}
	for _, t := range k.ops {
		if id == resolve.Counter || id == resolve.Siblings && t.kind == resolve.Delete {
			reach(t) // it has its part in a sum, or has deleted what its author saw
		}
	}
	for len(queue) > 0 {
		t := queue[len(queue)-1]
		queue = queue[:len(queue)-1]
		for _, d := range t.parents {
			reach(k.ops[d])
		}
		for _, d := range k.byReq[t.request] {
			reach(k.ops[d])
		}
		if id == resolve.Siblings {
			for _, d := range t.hidden {
				reach(k.ops[d])
			}
		}
	}
	return beyond
}

// count adds one key to one resolver's balance.
func (r *auditor) count(key string, k *counted, id resolve.ID, beyond bool) {
	b := &r.out.Balances[id]
	for _, t := range k.ops {
		b.Accepted++
		var in []State
		if t.live.Has(id) {
			b.Live++
			in = append(in, Live)
		} else if t.seen.Has(id) {
			b.Superseded++
			in = append(in, Superseded)
		}
		switch stale := len(in) > 0 && in[0] == Superseded && r.cfg.Shed[id] > 0; {
		case !t.inverted.Has(id) && !t.other.Has(id):
		case stale:
			b.Stale++
		case t.inverted.Has(id):
			b.Inverted++
			in = append(in, Lost)
		default:
			b.Concurrent++
			in = append(in, Lost)
		}
		switch {
		case len(in) == 0 && beyond:
			b.Beyond++
		case len(in) == 0:
			b.InNone++
			r.gap(Gap{key, t.dot, id, nil})
		case len(in) == 2:
			b.InTwo++
			r.gap(Gap{key, t.dot, id, in})
		}
	}
}

// explain counts what is in none, and so is lost by ancestry, as shed, as far as the
// ledger says that it has given up rows. What goes beyond that stays unexplained, and then nobody can say which of
// the ops it is: all are named.
func (r *auditor) explain() {
	for i := range r.out.Balances {
		b := &r.out.Balances[i]
		b.Shed = int(min(int64(b.InNone), r.cfg.Shed[b.Resolver]))
		if b.InNone -= b.Shed; b.InNone == 0 {
			r.out.Gaps = slices.DeleteFunc(r.out.Gaps, func(g Gap) bool { return g.Resolver == b.Resolver && len(g.In) == 0 })
		}
	}
}

// gap notes a gap. A ledger that has shed a million rows has as many: of each
// resolver and kind no more are held than may be named in the end.
func (r *auditor) gap(g Gap) {
	if r.out.Gaps = append(r.out.Gaps, g); len(r.out.Gaps) >= r.fullGaps() {
		r.thin()
	}
}

// fullGaps is how many gaps are held before some are let go: twice what is kept.
func (r *auditor) fullGaps() int { return 2 * 2 * len(resolve.IDs()) * (r.opt.Gaps + 1) }

// thin lets go of gaps that will not be named: all but the first of each resolver
// and kind.
func (r *auditor) thin() {
	type kind struct {
		id   resolve.ID
		both bool
	}
	r.sortGaps()
	kept := map[kind]int{}
	r.out.Gaps = slices.DeleteFunc(r.out.Gaps, func(g Gap) bool {
		k := kind{g.Resolver, len(g.In) > 0}
		kept[k]++
		return kept[k] > r.opt.Gaps
	})
}

func (r *auditor) sortGaps() {
	slices.SortFunc(r.out.Gaps, func(a, b Gap) int {
		return cmp.Or(cmp.Compare(a.Key, b.Key), a.Dot.Compare(b.Dot), cmp.Compare(a.Resolver, b.Resolver))
	})
}

// finish sorts what came in no order, and leaves out whom nobody asked.
func (r *auditor) finish() *Audit {
	slices.Sort(r.out.Skipped)
	r.explain()
	r.sortGaps()
	r.out.Gaps = r.out.Gaps[:min(len(r.out.Gaps), r.opt.Gaps)]
	r.out.Balances = slices.DeleteFunc(r.out.Balances, func(b Balance) bool { return b.Accepted == 0 && b.Lost() == 0 })
	return r.out
}
