package oracle

import (
	"fmt"
	"math"

	"kvd/scenarios/history"
	"kvd/scenarios/script"
)

// requirements is, for one client, what every leader must have applied before it
// applies the client's next write.
type requirements struct {
	writes []requirement // by leader: the client's own acknowledged writes
	reads  []requirement // by leader: what it had been shown
}

// requirement is the latest of what a leader must have applied before.
type requirement struct {
	turn   int32 // when it was applied there; math.MaxInt32: never
	update int32
}

// watchOrder checks, where it is known who applied what, that no leader applies
// a client's write before the client's earlier ones or before what it had been
// shown.
func (j *judge) watchOrder() []Violation {
	h := j.g.h
	if !h.AppliedKnown {
		return nil
	}
	byClient := make([]requirements, len(h.Clients.List))
	var found []Violation
	next := 0
	for _, q := range h.Calls {
		for ; next < len(h.Replies) && h.Replies[next].When.Turn < q.SentAt.Turn; next++ {
			s := &h.Replies[next]
			j.require(&byClient[s.Client], s)
		}
		if q.Update >= 0 {
			found = j.checkOrder(found, q, script.MonotonicWrites, byClient[q.ClientIndex].writes)
			found = j.checkOrder(found, q, script.WritesFollowReads, byClient[q.ClientIndex].reads)
		}
	}
	return found
}

// require adds what a reply told the client.
func (j *judge) require(d *requirements, s *history.Reply) {
	if s.Own >= 0 {
		d.writes = j.raise(d.writes, j.g.h.Calls[s.Own].Update)
	}
	for _, u := range j.g.show(nil, s.Key, s.Dots) {
		if j.g.h.Updates[u].ClientIndex != s.Client {
			d.reads = j.raise(d.reads, u)
		}
	}
}

func (j *judge) raise(row []requirement, u int32) []requirement {
	if row == nil {
		row = make([]requirement, len(j.applied))
	}
	for l, times := range j.applied {
		if times == nil {
			continue
		}
		turn := times[u].Turn
		if times[u].Never() {
			turn = math.MaxInt32
		}
		if turn > row[l].turn {
			row[l] = requirement{turn, u}
		}
	}
	return row
}

// checkOrder holds the moments at which leaders applied the write against their
// requirements.
func (j *judge) checkOrder(found []Violation, q *history.Call, kind script.Guarantee, row []requirement) []Violation {
	for l, d := range row {
		if j.applied[l] == nil {
			continue
		}
		when := j.applied[l][q.Update]
		if when.Never() || when.Turn >= d.turn || d.update == q.Update {
			continue
		}
		what := "its author's earlier"
		if kind == script.WritesFollowReads {
			what = "what its author had been shown,"
		}
		h := j.g.h
		found = append(found, Violation{
			Guarantee: kind, Client: q.Client, Session: h.Sessions[q.ClientIndex], Key: q.Key, At: when.At,
			Why: fmt.Sprintf("%s applied %s before %s %s", h.Leaders.List[l], q.Name(), what, j.g.label(d.update)),
		})
	}
	return found
}
