package ledger

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/cespare/xxhash/v2"

	"kvd/logical"
	"kvd/resolve"
)

// AuditOptions says what to audit, and at what price.
type AuditOptions struct {
	Prefix string
	Keys   func(string) bool // which keys, beside that; nil: all
	// Sample audits one key in so many, by a hash of the key, so that all leaders
	// choose the same; 0 and 1 audit all.
	Sample uint64
	// MemoryBytes is about how much is held of ops at once. What does not fit is
	// audited in further passes over the log. A key whose ops take more is left out
	// and named.
	MemoryBytes int
	// Gaps is how many ops that do not add up are named; the rest are counted.
	Gaps int
}

// Audit is whether every accepted write is live, superseded or lost, and never
// two of these, for every resolver of its key's panel. Ops are counted from the
// log, survivors from the objects, losses from the ledger; what is superseded
// follows from ancestry, and so does what is lost though the ledger has given up its
// row. None of it is got by subtracting the others.
type Audit struct {
	Leader  string
	Applied logical.Frontier
	// Removed is what the log does not keep any more. Its ops are not counted.
	Removed logical.Frontier
	Keys    int
	Touches int // changes of a deadline alone: they are no writes, and nobody judges them
	// Settled counts the ops left out because a leader and its copy gave their dots to
	// two writes: each log keeps its own, perhaps of another key, and what settles the
	// dot has written the keys again for all.
	Settled  int
	Balances []Balance // by resolver
	Gaps     []Gap     // the first that do not add up, by key, dot, resolver
	Skipped  []string  // keys with too many ops
	// Stray counts ledger rows of ops that the log no longer holds: they cannot be
	// counted with the rest.
	Stray int
}

// Audit counts. It reads the whole log at least once.
func (r *Reader) Audit(o AuditOptions) (*Audit, error) {
	if o.MemoryBytes <= 0 || o.Gaps < 0 {
		return nil, errors.New("audit: MemoryBytes must be above zero and Gaps not negative")
	}
	w := &auditor{Reader: r, opt: o, out: &Audit{Applied: r.cfg.Applied, Removed: r.cfg.Removed}, settled: map[logical.Dot]bool{}}
	for _, id := range resolve.IDs() {
		w.out.Balances = append(w.out.Balances, Balance{Resolver: id})
	}
	if err := r.store.Settled(func(d, _ logical.Dot) bool { w.settled[d] = true; return true }); err != nil {
		return nil, fmt.Errorf("audit: %w", err)
	}
	for w.todo = w.spans(); len(w.todo) > 0; {
		s := w.todo[len(w.todo)-1]
		w.todo = w.todo[:len(w.todo)-1]
		if err := w.pass(s); err != nil {
			return nil, fmt.Errorf("audit: %w", err)
		}
		w.done += w.now.share()
	}
	return w.finish(), nil
}

type auditor struct {
	*Reader
	opt     AuditOptions
	out     *Audit
	todo    []span
	settled map[logical.Dot]bool

	now  span // of key hashes that this pass holds
	keys map[string]*counted
	held int // bytes

	done float64 // of all key hashes, by passes that are over
	told float64
}

// span is a range of key hashes, both ends included.
type span struct{ from, to uint64 }

func (s span) share() float64 { return (float64(s.to-s.from) + 1) / (1 << 64) }

// spans is as many as the whole log will take, as far as can be told before it is
// read: a pass that turns out to be too large is read again in halves.
func (r *auditor) spans() []span {
	n := uint64(1)
	if r.opt.Prefix == "" {
		n = 1 + r.logged()*usualTrace/max(1, r.opt.Sample)/uint64(r.opt.MemoryBytes)
	}
	var all []span
	for width, i := ^uint64(0)/n, uint64(0); i < n; i++ {
		all = append(all, span{i * width, (i+1)*width - 1})
	}
	all[n-1].to = ^uint64(0)
	return all
}

func (r *Reader) logged() (n uint64) {
	for last := range r.cfg.Applied.All() {
		n += uint64(last.Seq)
	}
	return n
}

// pass audits the keys of one span, or of as much of it as can be held; the rest
// is left to do.
func (r *auditor) pass(s span) error {
	r.now, r.keys, r.held = s, map[string]*counted{}, 0
	if err := r.each(r.take, func(done float64) { r.reach(r.done + r.now.share()*done) }); err != nil {
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
		r.reach(0)
	}
	return nil
}

// each reads the whole log, and says now and then how much of it was read.
func (r *Reader) each(use func(*resolve.Op), tell func(done float64)) error {
	read, all := 0, float64(r.logged())
	for last := range r.cfg.Applied.All() {
		for from := logical.Seq(1); from <= last.Seq; {
			ops, err := r.store.Ops(last.Origin, from, scanOps, scanBytes)
			if err != nil {
				return err
			}
			if len(ops) == 0 {
				break
			}
			for _, op := range ops {
				if op.Dot.Seq > last.Seq {
					break
				}
				if read++; read%scanOps == 0 {
					tell(float64(read) / all)
				}
				use(op)
			}
			from = ops[len(ops)-1].Dot.Seq + 1
		}
	}
	return nil
}

// take keeps an op if its key is in this pass, and gives up half of the keys
// when there are too many.
func (r *auditor) take(op *resolve.Op) {
	if !strings.HasPrefix(op.Key, r.opt.Prefix) || r.opt.Keys != nil && !r.opt.Keys(op.Key) {
		return
	}
	if op.Kind == resolve.Touch { // it writes nothing that could be lost
		r.out.Touches++
		return
	}
	h := xxhash.Sum64String(op.Key)
	if h < r.now.from || h > r.now.to || r.opt.Sample > 1 && h%r.opt.Sample != 0 || slices.Contains(r.out.Skipped, op.Key) {
		return
	}
	k := r.keys[op.Key]
	if k == nil {
		k = &counted{sizes: keyBytes + len(op.Key)}
		r.keys[op.Key] = k
		r.held += k.sizes
	}
	before := k.sizes
	k.take(op, r.cfg.Policy.Panel(op.Key).Mask().Has(resolve.Siblings))
	for r.held += k.sizes - before; r.held > r.opt.MemoryBytes; {
		r.halve()
	}
}

// reach says how much is done, or what it has said before if that was more.
func (r *auditor) reach(done float64) {
	r.told = max(r.told, done)
	r.tell(r.told)
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
		if xxhash.Sum64String(key) > middle {
			r.drop(key)
		}
	}
}

func (r *auditor) drop(key string) {
	r.held -= r.keys[key].sizes
	delete(r.keys, key)
}

func (r *auditor) judge(key string, k *counted) error {
	o, err := r.store.Object(key)
	if err != nil {
		return err
	}
	panel := r.cfg.Policy.Panel(key)
	r.out.Keys++
	k.index()
	for i := range k.ops {
		if r.settled[k.ops[i].dot] {
			r.out.Settled++
		}
	}
	for _, l := range k.ledger {
		t := k.find(l.Loser)
		switch {
		case !panel.Mask().Has(l.Resolver):
		case t == nil && !r.settled[l.Loser]:
			r.out.Stray++
		case t == nil:
		case l.Relation == resolve.Inverted:
			t.inverted |= l.Resolver.Mask()
		default:
			t.other |= l.Resolver.Mask()
		}
	}
	for _, id := range resolve.IDs() {
		if panel.Mask().Has(id) {
			beyond := k.mark(panel, o, id)
			// A request may have been accounted under another dot, which is not kept any more.
			r.count(key, k, id, beyond || o.Duplicates && r.cfg.Removed.Len() > 0)
		}
	}
	return nil
}

func (r *auditor) count(key string, k *counted, id resolve.ID, beyond bool) {
	b := &r.out.Balances[id]
	for i := range k.ops {
		t := &k.ops[i]
		if r.settled[t.dot] {
			continue
		}
		b.Accepted++
		var in []State
		if t.live.Has(id) {
			b.Live++
			in = append(in, Live)
		} else if t.seen.Has(id) {
			b.Superseded++
			in = append(in, Superseded)
		}
		switch stale := len(in) > 0 && in[0] == Superseded && r.cfg.Evicted[id] > 0; {
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

// explain counts what is in none, and so is lost by ancestry, as evicted, as far as the
// ledger says that it has given up rows. What goes beyond that stays unexplained, and then nobody can say which of
// the ops it is: all are named.
func (r *auditor) explain() {
	for i := range r.out.Balances {
		b := &r.out.Balances[i]
		b.Evicted = int(min(int64(b.InNone), r.cfg.Evicted[b.Resolver]))
		if b.InNone -= b.Evicted; b.InNone == 0 {
			r.out.Gaps = slices.DeleteFunc(r.out.Gaps, func(g Gap) bool { return g.Resolver == b.Resolver && len(g.In) == 0 })
		}
	}
}

// gap notes a gap. A ledger that has evicted a million rows has as many: of each
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
	seen := map[kind]int{}
	r.out.Gaps = slices.DeleteFunc(r.out.Gaps, func(g Gap) bool {
		k := kind{g.Resolver, len(g.In) > 0}
		seen[k]++
		return seen[k] > r.opt.Gaps
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

// Balance is one resolver's count.
type Balance struct {
	Resolver                   resolve.ID
	Accepted, Live, Superseded int
	Inverted, Concurrent       int // in the ledger
	// Evicted counts ops that are lost by ancestry, neither surviving nor seen by what
	// does, and that the ledger does not list; no more of them than it says that it
	// has given up. The rest are InNone.
	Evicted int
	// Stale counts rows of writes that a survivor has seen since, which a ledger
	// that has given up rows could not retract: it follows rows from later writes
	// to earlier ones. The writes count as superseded.
	Stale         int
	InNone, InTwo int
	// Beyond counts ops that are in none and might be accounted for by a version
	// whose own log entry is gone, or under another dot of their request: what that had
	// seen cannot be told.
	Beyond int
}

// Lost is the ledger's count.
func (b *Balance) Lost() int { return b.Inverted + b.Concurrent }

// Holds reports whether it adds up.
func (b *Balance) Holds() bool {
	return b.InNone == 0 && b.InTwo == 0 && b.Accepted == b.Live+b.Superseded+b.Lost()+b.Evicted+b.Beyond
}

// Gap is an op that does not add up.
type Gap struct {
	Key      string
	Dot      logical.Dot
	Resolver resolve.ID
	In       []State // none, or two of Live, Superseded, Lost
}
