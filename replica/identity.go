package replica

import (
	"fmt"
	"slices"

	"kvd/logical"
	"kvd/resolve"
)

// One origin is one process's: a dot has one content for ever. A copy of a leader's
// data, or of its whole machine, breaks that, and what is left then is to notice.
// It is noticed in three ways:
//
//   - two live holders meet, or a third meets both: the links see it and say so by
//     OriginShared, and a third tells the holders in its statuses;
//   - somebody has ops of this leader's own origin that this leader has not;
//   - what the log of an origin adds up to differs between two leaders, though the
//     holders may never have been alive together. The ops are then compared one by
//     one, and those that differ are put down by their dot, with both contents.
//
// A leader whose own origin is concerned takes no writes from then on: what it
// would acknowledge might be another's already. It takes them again under a new
// origin, or when the other holder has one and had given no dot that is not here.

// OriginShared says that two live leaders were seen to have one origin.
type OriginShared struct {
	Origin logical.Origin
	// With has it too: the leader whose greeting under another origin ends the
	// sharing. Empty: only a new origin of our own does.
	With   Leader
	Also   Leader // where neither is this leader: the other one, which may end it as well
	Told   bool   // With does not have it, but turned this leader away because another has
	Detail string // a sentence: who saw what
}

// OriginTwice: an origin was found to be shared, this leader's own or two others'.
type OriginTwice struct {
	Origin logical.Origin
	With   Leader
}

// LogsDiffer: what a peer's log of an origin adds up to is not what ours does. The
// ops up to the dot are compared.
type LogsDiffer struct {
	Peer Leader
	Upto logical.Dot
}

// ConflictFound: a peer has another op under a dot of our log.
type ConflictFound struct {
	Peer Leader
	Op   *resolve.Op // the peer's
}

// PutConflict remembers an op that a peer has under a dot under which the log has
// another.
type PutConflict struct{ Op *resolve.Op }

// PutSettled remembers by which op a dot that was given twice is settled, whether this
// leader knows of both its contents or not.
type PutSettled struct{ Dot, By logical.Dot }

// Sum is what an origin's log adds up to, through one dot: equal where the
// contents are, and almost surely not otherwise.
type Sum struct {
	Through logical.Dot
	Sum     uint64
}

// maxNotes bounds each list in a Status.
const maxNotes = 64

// SumSpan is how far apart the seqs are that a reader has a sum of, beside the end
// of the log: leaders that are not equally far compare there.
const SumSpan = 256

// sharing is what is known of origins that two have.
type sharing struct {
	others []OriginShared // between two others, by origin
	with   Leader         // who may end that of our own; empty: nobody
	told   bool           // with does not have it, but says who has
	ended  bool           // a copy has given our origin up: what it wrote under it is known to differ
}

// share takes in that an origin is shared.
func (t *turn) share(in OriginShared) {
	if in.Origin == t.st.Origin {
		t.shareOwn(in.With, in.Told, in.Detail)
		return
	}
	known := slices.ContainsFunc(t.sharing.others, func(o OriginShared) bool { return o.Origin == in.Origin })
	if known || len(t.sharing.others) == maxNotes {
		return
	}
	t.sharing.others = append(t.sharing.others, in)
	t.event(OriginTwice{in.Origin, in.With})
}

// shareOwn refuses writes: our own origin is another's too.
func (t *turn) shareOwn(with Leader, told bool, detail string) {
	_, refuses := findCause(t.refusals, SharedOrigin)
	if refuses && (t.sharing.with == "" || told && !t.sharing.told) {
		return // what is known already lasts longer
	}
	if !refuses {
		t.event(OriginTwice{t.st.Origin, with})
	}
	t.sharing.with, t.sharing.told = with, told
	t.refuseWrites(Refusal{Cause: SharedOrigin, Detail: detail +
		"; give one of them a new origin with kv admin new-origin --node NAME, and look at kv admin conflicts for what both wrote"})
}

// hearNotes takes what a Status says of origins. Every later one of the peer's says
// again what still holds.
func (t *turn) hearNotes(p *peer, s *Status) {
	own, have := t.st.Origin, t.st.Frontier.At(t.st.Origin)
	t.sharing.others = slices.DeleteFunc(t.sharing.others, func(o OriginShared) bool {
		return (o.With == p.name || o.Also == p.name) && s.Origin != o.Origin
	})
	p.refused = s.Refused
	switch know := s.Frontier.At(own); {
	case know > have:
		t.ownBeyond(p.name, know)
	case slices.Contains(s.Shared, own):
		t.shareOwn(p.name, true, fmt.Sprintf("%s has met two live leaders with origin %s, this one's", p.name, own))
	case t.sharing.with == p.name && s.Origin != own:
		t.sharing.with, t.sharing.told, t.sharing.ended = "", false, true
		t.allowWrites(SharedOrigin)
	}
}

// compareNotes compares logs with a peer. An old Status serves as well, and one of a
// copy that has not numbered as many as the leader it was copied from.
func (t *turn) compareNotes(p *peer, s *Status) {
	for _, sum := range s.Sums {
		t.compareSum(p, sum)
	}
	if len(s.Again) > 0 && p.up {
		from := s.Again[0] // one batch for each Status: nobody is in a hurry
		if ops := t.r.Ops(from.Origin, from.Seq, t.cfg.BatchOps, t.cfg.BatchBytes); len(ops) > 0 {
			t.sendAgain(p, ops)
		}
	}
}

// ownBeyond: somebody has ops of our own origin that we have not accepted.
func (t *turn) ownBeyond(by Leader, know logical.Seq) {
	t.shareOwn("", false, fmt.Sprintf("%s has %d ops of origin %s, this leader's own, which has accepted %d: another leader has the same origin, or the log lost its end",
		by, uint64(know), t.st.Origin, uint64(t.st.Frontier.At(t.st.Origin))))
}

// compareSum compares a peer's sum with ours.
func (t *turn) compareSum(p *peer, s Sum) {
	d := s.Through
	if !t.st.Frontier.Covers(d) {
		return
	}
	mine, ok := t.r.Sum(d)
	if !ok {
		return
	}
	if !p.logs.Sum(d, mine == s.Sum) {
		return
	}
	t.event(LogsDiffer{p.name, d})
	if _, refuses := findCause(t.refusals, SharedOrigin); d.Origin == t.st.Origin && !refuses && !t.sharing.ended {
		t.shareOwn("", false, fmt.Sprintf("%s holds other ops of origin %s, this leader's own, than this leader accepted", p.name, d.Origin))
	}
}

// compareAgain looks at an op that is here already, if what the peer has of its
// origin is being compared.
func (t *turn) compareAgain(op *resolve.Op, from Leader) {
	if !t.peer(from).logs.Next(op.Dot) {
		return
	}
	if same, held := t.r.Same(op); held && !same {
		t.put(PutConflict{op})
		t.event(ConflictFound{from, op})
	}
}

// notes is what the statuses of this moment say to everybody.
func (t *turn) notes(s *Status) {
	for _, o := range t.sharing.others {
		s.Shared = append(s.Shared, o.Origin)
	}
	slices.Sort(s.Shared)
	s.Refused = slices.Clone(t.origins.refused)
}

// tellSums adds what the logs add up to, of so many origins as a Status takes. Each
// peer is told of each origin in its turn.
func (t *turn) tellSums(p *peer, s *Status) {
	n := t.st.Frontier.Len()
	count, i, first := min(n, maxNotes/2), 0, p.sums
	for d := range t.st.Frontier.All() {
		if at := (i - first + n) % n; at < count {
			s.Sums = t.appendSum(s.Sums, d)
			if span := d.Seq - d.Seq%SumSpan; span > 0 && span != d.Seq {
				s.Sums = t.appendSum(s.Sums, logical.Dot{Origin: d.Origin, Seq: span})
			}
		}
		i++
	}
	if n > 0 {
		p.sums = (first + count) % n
	}
}

func (t *turn) appendSum(dst []Sum, d logical.Dot) []Sum {
	if sum, ok := t.r.Sum(d); ok {
		dst = append(dst, Sum{d, sum})
	}
	return dst
}

// withNotes is the Status for the peer, with sums when they are due.
func (t *turn) withNotes(p *peer, s *Status) *Status {
	again := p.logs.Wanted(maxNotes)
	due := t.m.Mono >= p.sumsDue
	if !due && len(again) == 0 {
		return s
	}
	own := *s
	own.Again = again
	if due {
		t.tellSums(p, &own)
		p.sumsDue = t.m.Mono.Add(t.cfg.Heartbeat)
	}
	return &own
}
