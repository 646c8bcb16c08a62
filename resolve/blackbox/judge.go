package blackbox

import (
	"cmp"
	"errors"
	"fmt"
	"iter"
	"maps"
	"math"
	"slices"

	"kvd/resolve"
	"kvd/resolve/replay"
	"kvd/wallclock"
)

// Config is what judging depends on, beside the ops.
type Config struct {
	Memory int64 // bytes that ops may take; zero: any number
	Losses int   // listed at most
	// Each is told of every update that was done, key by key, when its key has been judged;
	// nil: nobody is. The verdict is the caller's.
	Each func(Verdict)
}

// errFull ends a pass that would take too much memory.
var errFull = errors.New("no more fits into memory")

// Judge says which acknowledged updates of the history are gone. It fails with the
// source's error, with the first op that is none, and where a single key takes more than
// all memory.
func Judge(c Config, src Source) (*Report, error) {
	j := &judge{cfg: c, report: &Report{}, names: newNames(), clocks: newBounds(), first: never, last: math.MinInt64, nodes: map[uint32]*NodeReport{}}
	for todo := []part{{0, 1}}; len(todo) > 0; {
		p := todo[0]
		todo = todo[1:]
		j.report.Passes++
		all, err := j.read(src, p)
		switch {
		case errors.Is(err, errFull):
			todo = append(todo, p.halves()...)
		case err != nil:
			return nil, err
		default:
			if err := j.judge(all); err != nil {
				return nil, err
			}
		}
	}
	return j.finish(), nil
}

// judge is a judging under way.
type judge struct {
	cfg         Config
	report      *Report
	kinds       [kinds]KindReport
	names       *names
	clocks      *clockBounds
	nodes       map[uint32]*NodeReport
	first, last wallclock.Instant
}

// names numbers clients and nodes. Number 0 is no name.
type names struct {
	numbers        [2]map[string]uint32
	clients, nodes []string
}

func newNames() *names {
	return &names{numbers: [2]map[string]uint32{{"": 0}, {"": 0}}, clients: []string{""}, nodes: []string{""}}
}

func number32(of map[string]uint32, list *[]string, name string) uint32 {
	n, ok := of[name]
	if !ok {
		n = uint32(len(*list))
		of[name] = n
		*list = append(*list, name)
	}
	return n
}

func (n *names) client(name string) uint32 { return number32(n.numbers[0], &n.clients, name) }
func (n *names) node(name string) uint32   { return number32(n.numbers[1], &n.nodes, name) }

// part is the keys whose hash leaves n when divided by of.
type part struct{ n, of uint64 }

func (p part) halves() []part { return []part{{p.n, 2 * p.of}, {p.n + p.of, 2 * p.of}} }

// has hashes with FNV-1a.
func (p part) has(key string) bool {
	h := uint64(14695981039346656037)
	for i := range len(key) {
		h = (h ^ uint64(key[i])) * 1099511628211
	}
	return scramble(h)%p.of == p.n
}

// read gathers the ops of a part of the keys.
func (j *judge) read(src Source, p part) (map[string]*keyHistory, error) {
	all := map[string]*keyHistory{}
	held := int64(0)
	for op := range src.All() {
		if err := op.Validate(); err != nil {
			return nil, fmt.Errorf("line %d: %w", op.Line, err)
		}
		if !p.has(op.Key) {
			continue
		}
		h := all[op.Key]
		if h == nil {
			h = &keyHistory{key: op.Key}
			all[op.Key] = h
			held += int64(len(op.Key)) + 256
		}
		h.entries = append(h.entries, j.entry(op))
		if held += h.entries[len(h.entries)-1].weight(); j.cfg.Memory > 0 && held > j.cfg.Memory {
			if len(all) == 1 {
				return nil, fmt.Errorf("the history of key %.64q alone takes more than %d bytes of memory; allow more", op.Key, j.cfg.Memory)
			}
			return nil, errFull
		}
	}
	return all, src.Err()
}

func (j *judge) entry(op *Op) entry {
	e := entry{line: uint32(op.Line), client: j.names.client(op.Client), node: j.names.node(op.Node), verb: op.Verb, outcome: op.Outcome,
		final: op.Final, delta: op.Delta, value: op.Value, start: op.Start, end: op.End, stamp: op.Stamp}
	reading := op.Read
	if op.Verb == Update || op.Verb == Add {
		reading = op.Shown
	}
	e.known, e.shown = reading.Known, reading.Values
	if op.Outcome == Indeterminate {
		e.end = never
	}
	return e
}

// judge goes through the keys of a part.
func (j *judge) judge(all map[string]*keyHistory) error {
	keys := slices.Sorted(maps.Keys(all))
	for _, k := range keys {
		h := all[k]
		j.tally(h)
		if h.begin(); h.skipped != "" {
			j.skip(h)
			continue
		}
		j.suspect(h)
		h.evidence()
		r := &j.kinds[h.kind]
		r.Keys++
		lost := r.Lost
		h.decide(r)
		h.relate(r, j.list, j.names)
		if h.presumed && r.Unnamed == 0 {
			r.Presumed += r.Lost - lost
		}
		h.bound(j.clocks)
		j.byNode(h)
	}
	return j.replay(keys, all)
}

// tally counts what is only counted.
func (j *judge) tally(h *keyHistory) {
	j.report.Keys++
	for i := range h.entries {
		e := &h.entries[i]
		j.report.Ops++
		if e.reads() {
			j.report.Reads++
		}
		j.clocks.stamp(e)
		j.first = min(j.first, e.start)
		if e.end != never {
			j.last = max(j.last, e.end)
		}
	}
}

// maxListed is how many keys and problems are listed.
const maxListed = 10

func (j *judge) skip(h *keyHistory) {
	j.report.NotJudged++
	if len(j.report.Skipped) < maxListed {
		j.report.Skipped = append(j.report.Skipped, Skipped{h.key, h.skipped})
	}
}

// suspect looks for values that were shown before anybody wrote them.
func (j *judge) suspect(h *keyHistory) {
	first := map[string]wallclock.Instant{}
	for i := range h.entries {
		e := &h.entries[i]
		if !e.writes() {
			continue
		}
		v := h.written(e)
		if at, ok := first[v]; !ok || e.start < at {
			first[v] = e.start
		}
	}
	for i := range h.entries {
		e := &h.entries[i]
		if h.kind == CounterKey || e.verb == Incr || e.outcome != Acked {
			continue
		}
		by := e.end
		if e.writes() {
			by = e.start
		}
		for _, v := range e.shown {
			if at, ok := first[v]; ok && at > by {
				j.impossible(int(e.line), fmt.Sprintf("it had been shown %.64q before anybody began to write that; starts and ends must be of one clock", v))
			}
		}
	}
}

func (j *judge) impossible(line int, why string) {
	if j.report.Impossible++; len(j.report.Problems) < maxListed {
		j.report.Problems = append(j.report.Problems, Problem{line, why})
	}
}

// list keeps the first losses by line.
func (j *judge) list(l Loss) {
	if j.cfg.Losses == 0 {
		return
	}
	all := &j.report.Losses
	at, _ := slices.BinarySearchFunc(*all, l.Line, func(o Loss, line int) int { return cmp.Compare(o.Line, line) })
	if at == j.cfg.Losses {
		return
	}
	*all = slices.Insert(*all, at, l)
	if len(*all) > j.cfg.Losses {
		*all = (*all)[:j.cfg.Losses]
	}
}

func (j *judge) byNode(h *keyHistory) {
	lostHere := false
	for i := range h.updates {
		u := &h.updates[i]
		if u.outcome != Acked {
			continue
		}
		n := j.node(u.node)
		n.Acked++
		if u.fate == lost {
			n.Lost++
			lostHere = true
		}
	}
	if !lostHere {
		return
	}
	for _, s := range h.survivors() {
		j.node(h.updates[s].node).Survivors++
	}
}

func (j *judge) node(n uint32) *NodeReport {
	if j.nodes[n] == nil {
		j.nodes[n] = &NodeReport{Node: j.names.nodes[n]}
	}
	return j.nodes[n]
}

// replay lets every resolver judge the updates that were done, kind by kind.
func (j *judge) replay(keys []string, all map[string]*keyHistory) error {
	for kind := range j.kinds {
		var some *keyHistory
		o := newOrigins()
		var order []judged // of the ops
		ops := func(yield func(*resolve.Op) bool) {
			for _, k := range keys {
				h := all[k]
				if h.skipped != "" || h.kind != Kind(kind) {
					continue
				}
				for i, op := range h.ops(o) {
					if j.cfg.Each != nil {
						order = append(order, judged{h, i})
					}
					if !yield(op) {
						return
					}
				}
			}
		}
		for _, k := range keys {
			if h := all[k]; h.skipped == "" && h.kind == Kind(kind) && len(h.updates) > 0 {
				some = h
				break
			}
		}
		if some == nil {
			continue
		}
		c := replay.Config{Policy: resolve.Policy{Default: resolve.Siblings}, Resolvers: some.resolvers()}
		if j.cfg.Each != nil {
			c.Each = func(op int, live, lost, inverted resolve.Mask) {
				j.cfg.Each(order[op].verdict(live, lost, inverted))
			}
		}
		found, err := replay.Replay(c, iter.Seq[*resolve.Op](ops))
		if err != nil {
			return err
		}
		sum := replay.Result{Outcomes: j.kinds[kind].Outcomes}
		sum.Add(found)
		j.kinds[kind].Outcomes = sum.Outcomes
	}
	return nil
}

// finish puts together what all passes found.
func (j *judge) finish() *Report {
	r := j.report
	for kind := range j.kinds {
		if j.kinds[kind].Keys > 0 {
			j.kinds[kind].Kind = Kind(kind)
			r.Kinds = append(r.Kinds, j.kinds[kind])
		}
	}
	r.Clients, r.Nodes = len(j.names.clients)-1, len(j.names.nodes)-1
	r.Took = took(j.first, j.last)
	for _, n := range j.nodes {
		r.ByNode = append(r.ByNode, *n)
	}
	slices.SortFunc(r.ByNode, func(a, b NodeReport) int { return cmp.Compare(a.Node, b.Node) })
	slices.SortFunc(r.Problems, func(a, b Problem) int { return cmp.Compare(a.Line, b.Line) })
	r.Clocks = j.clocks.solve(j.names.nodes)
	return r
}
