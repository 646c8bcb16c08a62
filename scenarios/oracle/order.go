package oracle

import (
	"fmt"
	"math"
)

// duties is, for one client, what every leader must have applied before it
// applies the client's next write.
type duties struct {
	writes []duty // by leader: the client's own acknowledged writes
	reads  []duty // by leader: what it had been shown
}

// duty is the latest of what a leader must have applied before.
type duty struct {
	turn   int32 // when it was applied there; math.MaxInt32: never
	update int32
}

// watchOrder checks, where it is known who applied what, that no leader applies
// a client's write before the client's earlier ones or before what it had been
// shown.
func (j *judge) watchOrder() []Violation {
	h := j.g.h
	if !h.known {
		return nil
	}
	byClient := make([]duties, len(h.clients.list))
	var found []Violation
	next := 0
	for _, q := range h.requests {
		for ; next < len(h.showings) && h.showings[next].when.turn < q.sent.turn; next++ {
			s := &h.showings[next]
			j.burden(&byClient[s.client], s)
		}
		if q.update >= 0 {
			found = j.checkOrder(found, q, MonotonicWrites, byClient[q.client].writes)
			found = j.checkOrder(found, q, WritesFollowReads, byClient[q.client].reads)
		}
	}
	return found
}

// burden adds what a reply told the client.
func (j *judge) burden(d *duties, s *showing) {
	if s.own >= 0 {
		d.writes = j.raise(d.writes, j.g.h.requests[s.own].update)
	}
	for _, u := range j.g.show(nil, s.key, s.Dots) {
		if j.g.h.updates[u].client != s.client {
			d.reads = j.raise(d.reads, u)
		}
	}
}

func (j *judge) raise(row []duty, u int32) []duty {
	if row == nil {
		row = make([]duty, len(j.applied))
	}
	for l, times := range j.applied {
		if times == nil {
			continue
		}
		turn := times[u].turn
		if times[u].never() {
			turn = math.MaxInt32
		}
		if turn > row[l].turn {
			row[l] = duty{turn, u}
		}
	}
	return row
}

// checkOrder holds the moments at which leaders applied the write against their
// duties.
func (j *judge) checkOrder(found []Violation, q *request, kind Guarantee, row []duty) []Violation {
	for l, d := range row {
		if j.applied[l] == nil {
			continue
		}
		when := j.applied[l][q.update]
		if when.never() || when.turn >= d.turn || d.update == q.update {
			continue
		}
		what := "its author's earlier"
		if kind == WritesFollowReads {
			what = "what its author had been shown,"
		}
		h := j.g.h
		found = append(found, Violation{
			Guarantee: kind, Client: q.Client, Session: h.sessions[q.client], Key: q.Key, At: when.at,
			Why: fmt.Sprintf("%s applied %s before %s %s", h.leaders.list[l], q.name(), what, j.g.label(d.update)),
		})
	}
	return found
}
