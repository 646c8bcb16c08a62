package observed

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"kvd/resolve/blackbox"
	"kvd/scenarios/page"
	"kvd/wallclock"
)

// Bounds of one page.
const (
	MaxOps     = 20_000
	MaxClients = 24 // more share the lane of their node's clients
	maxKeys    = 200
)

// Gatherer takes a history and its verdicts, and makes a story of them. The zero Gatherer is
// empty.
type Gatherer struct {
	ops      []*blackbox.Op
	lines    map[int]bool             // of the ops
	verdicts map[int]blackbox.Verdict // by line
	left     int                      // ops beyond the bound
}

// Op takes the next op of the history. It keeps a copy, with values as short as they are drawn.
func (g *Gatherer) Op(op *blackbox.Op) {
	if len(g.ops) == MaxOps {
		g.left++
		return
	}
	if g.lines == nil {
		g.lines, g.verdicts = map[int]bool{}, map[int]blackbox.Verdict{}
	}
	kept := *op
	kept.Value, kept.Shown = page.Shorten(op.Value), blackbox.Reading{}
	if len(op.Read.Values) > 0 {
		kept.Read.Values = []string{shown(op.Read.Values)}
	}
	g.ops = append(g.ops, &kept)
	g.lines[op.Line] = true
}

// Verdict takes what was found of an update, once all ops were taken. Verdicts come key by key,
// so those of ops that are drawn may be the last.
func (g *Gatherer) Verdict(v blackbox.Verdict) {
	if g.lines[v.Line] {
		g.verdicts[v.Line] = v
	}
}

// Story is the story of what was taken. Name is what people call the history.
func (g *Gatherer) Story(name string, r *blackbox.Report) *page.Story {
	d := &drawing{g: g, report: r, lane: map[who]int{}, key: map[string]int{}, op: map[int]int{}}
	d.begin()
	d.lanes()
	d.draw()
	s := &page.Story{
		Name: name, Title: "What clients saw, what is gone, and what other rules would have kept",
		Prose: "Each op stands where its client's clock had it, in the middle of the time that its answer took. What went between nodes nobody observed.\n\n" + blackbox.Caveat,
		Zero:  d.zero.Time(), Lanes: d.all, Keys: d.keys,
	}
	s.Runs = append(s.Runs, d.found())
	for _, name := range d.resolvers() {
		s.Runs = append(s.Runs, d.under(name))
	}
	return s
}

// who is whose lane it is.
type who struct {
	name string
	node bool
}

func node(name string) who   { return who{name, true} }
func client(name string) who { return who{name, false} }

// drawing is one story being made.
type drawing struct {
	g      *Gatherer
	report *blackbox.Report
	zero   wallclock.Instant
	end    time.Duration
	all    []page.Lane
	lane   map[who]int
	home   map[string]string // of a client: the node that it asked first
	shared bool              // the clients of a node share a lane
	keys   []string
	key    map[string]int
	op     map[int]int // of the story, by line
	whole  []*blackbox.Op

	writes   []page.Op
	messages []page.Message
	readings []page.Reading
}

// begin leaves out what has no place, and finds when it all began.
func (d *drawing) begin() {
	d.home = map[string]string{}
	for _, op := range d.g.ops {
		if _, known := d.key[op.Key]; !known {
			if len(d.keys) == maxKeys {
				d.g.left++
				continue
			}
			d.key[op.Key] = len(d.keys)
			d.keys = append(d.keys, op.Key)
		}
		if _, known := d.home[op.Client]; !known {
			d.home[op.Client] = op.Node
		}
		d.whole = append(d.whole, op)
		if len(d.whole) == 1 || op.Start < d.zero {
			d.zero = op.Start
		}
	}
	d.shared = len(d.home) > MaxClients
	slices.SortStableFunc(d.whole, func(a, b *blackbox.Op) int { return cmp.Compare(a.Start, b.Start) })
}

func (d *drawing) since(at wallclock.Instant) time.Duration { return at.Sub(d.zero) }

// lanes puts the clients of each node above it.
func (d *drawing) lanes() {
	nodes := map[string][]string{}
	for client, node := range d.home {
		nodes[node] = append(nodes[node], client)
	}
	for _, op := range d.whole {
		if _, known := nodes[op.Node]; !known {
			nodes[op.Node] = nil
		}
	}
	names := make([]string, 0, len(nodes))
	for node := range nodes {
		names = append(names, node)
	}
	slices.Sort(names)
	for _, name := range names {
		first := len(d.all)
		slices.Sort(nodes[name])
		for _, c := range nodes[name] {
			d.client(c, first)
		}
		for i := first; i < len(d.all); i++ {
			d.all[i].Home = len(d.all)
		}
		d.lane[node(name)] = len(d.all)
		d.all = append(d.all, page.Lane{Name: cmp.Or(name, "(not named)"), Leader: true, Home: page.None})
	}
}

// client gives a client a lane: its own, or that of all of its node's.
func (d *drawing) client(name string, first int) {
	if d.shared && len(d.all) > first {
		d.lane[client(name)] = first
		return
	}
	d.lane[client(name)] = len(d.all)
	if d.shared {
		name = "clients"
	}
	d.all = append(d.all, page.Lane{Name: name})
}

// resolvers is those of ours that judged anything, in their order.
func (d *drawing) resolvers() (names []string) {
	for i := range d.report.Kinds {
		for _, o := range d.report.Kinds[i].Outcomes {
			if !slices.Contains(names, o.Resolver.String()) {
				names = append(names, o.Resolver.String())
			}
		}
	}
	return names
}

// notes is what is not drawn, and what is known of it.
func (d *drawing) notes() (notes []string) {
	if d.g.left > 0 {
		notes = append(notes, fmt.Sprintf("The first %d ops are drawn, and %d are not; the counts are of all.", len(d.whole), d.g.left))
	}
	for i := range d.report.Kinds {
		k := &d.report.Kinds[i]
		for _, n := range []struct {
			n    int
			text string
		}{
			{k.Unnamed, "%d lost, counted without knowing which"},
			{k.Unknown, "of %d acknowledged nobody can know whether they are lost"},
			{k.Divided, "%d acknowledged are on some nodes only"},
		} {
			if n.n > 0 {
				notes = append(notes, fmt.Sprintf("Of %ss: "+n.text+".", k.Kind, n.n))
			}
		}
	}
	if d.report.NotJudged > 0 {
		notes = append(notes, fmt.Sprintf("%d keys are not judged: %s.", d.report.NotJudged, d.report.Skipped[0].Why))
	}
	return append(notes, d.clockNote()...)
}

// clockNote says how much skew explains what survives.
func (d *drawing) clockNote() []string {
	switch c := &d.report.Clocks; {
	case c.Unnamed:
		return []string{"Nodes are not named, so what clocks explain cannot be said."}
	case c.Keys == 0:
		return nil
	case !c.Explained:
		return []string{"No constant offsets of the clocks let last-write-wins keep what survives: " + c.Why + "."}
	case c.Spread == 0:
		return []string{"Last-write-wins with perfect clocks could have kept the same."}
	default:
		return []string{fmt.Sprintf("Last-write-wins could have kept the same if clocks were at least %s apart; the clocks are drawn so.", c.Spread)}
	}
}
