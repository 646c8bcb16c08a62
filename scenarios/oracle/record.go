package oracle

import "kvd/logical"

// Record is a history as plain data, with which anybody can check a judgement. Dots
// are texts. Values are left out: which write a dot names says what it holds.
type Record struct {
	Writes []WriteRecord `json:"writes"` // by first attempt, with at least one acceptance or not
	Reads  []ReadRecord  `json:"reads"`  // readings that reached a client, in order
	Finals []FinalRecord `json:"finals"` // what leaders show after settling
	// Lost is the leaders whose disks were emptied or replaced, and Applied which op
	// each leader came to have when. Where no disk was lost, both are empty.
	Lost    []DiskRecord    `json:"disks_lost,omitempty"`
	Applied []AppliedRecord `json:"applied,omitempty"`
}

// Moment is a place in the history: turns give the order of all events, at is true
// time since the scenario's zero in nanoseconds.
type Moment struct {
	Turn int32 `json:"turn"`
	At   int64 `json:"at"`
}

// WriteRecord is a request that writes, and what became of it.
type WriteRecord struct {
	Request  string             `json:"request"`
	Label    string             `json:"label"`
	Client   string             `json:"client"`
	Session  bool               `json:"session,omitempty"` // the client carries a token
	Key      string             `json:"key"`
	Verb     string             `json:"verb"`
	Delta    int64              `json:"delta,omitempty"` // incr, and update where the leader adds
	Exact    bool               `json:"exact,omitempty"` // it goes over Shown, else over what each acceptance says
	Shown    []string           `json:"shown,omitempty"`
	Sent     Moment             `json:"sent"`
	Acked    *Moment            `json:"acked,omitempty"` // missing: its client was never told
	Accepted []AcceptanceRecord `json:"accepted"`
}

// AcceptanceRecord is a leader making a request an op.
type AcceptanceRecord struct {
	Moment
	Leader string   `json:"leader"`
	Dot    string   `json:"dot"`
	Over   []string `json:"over"`             // what it went over
	Delta  int64    `json:"delta,omitempty"`  // what it added, as the leader says
	After  []string `json:"after"`            // what the leader showed right after
	Unseen bool     `json:"unseen,omitempty"` // the leader died before it could show anything
}

// ReadRecord is a reading that reached a client.
type ReadRecord struct {
	Moment
	Since  int32    `json:"since"` // what the client learned up to this turn, the reading must reflect
	Client string   `json:"client"`
	Leader string   `json:"leader"`
	Key    string   `json:"key"`
	Write  string   `json:"write,omitempty"` // the request whose acknowledgement carried it
	Dots   []string `json:"dots"`
}

// FinalRecord is what a leader shows of a key after settling.
type FinalRecord struct {
	Leader string   `json:"leader"`
	Key    string   `json:"key"`
	Dots   []string `json:"dots"`
}

// DiskRecord is a leader's disk being lost.
type DiskRecord struct {
	Moment
	Leader string `json:"leader"`
}

// AppliedRecord is a leader coming to have an op.
type AppliedRecord struct {
	Moment
	Leader string `json:"leader"`
	Dot    string `json:"dot"`
}

// Record is the history as plain data. It is the caller's.
func (v *Judgement) Record() *Record {
	h := v.j.g.h
	r := &Record{Writes: []WriteRecord{}, Reads: []ReadRecord{}, Finals: []FinalRecord{}}
	for _, q := range h.requests {
		if q.Verb != Get {
			r.Writes = append(r.Writes, q.record(h))
		}
	}
	for i := range h.showings {
		s := &h.showings[i]
		read := ReadRecord{Moment: s.when.record(), Since: s.since, Client: h.clients.list[s.client], Leader: h.leaders.list[s.leader],
			Key: h.keys.list[s.key], Dots: texts(s.Dots)}
		if s.own >= 0 {
			read.Write = h.requests[s.own].ID
		}
		r.Reads = append(r.Reads, read)
	}
	for _, leader := range v.j.leaders {
		for _, t := range v.Keys {
			r.Finals = append(r.Finals, FinalRecord{Leader: leader, Key: t.Key, Dots: texts(h.finals[place{leader, t.Key}].Dots)})
		}
	}
	if len(h.losses) > 0 {
		r.disks(h)
	}
	return r
}

func (r *Record) disks(h *History) {
	for _, s := range h.losses {
		r.Lost = append(r.Lost, DiskRecord{s.when.record(), h.leaders.list[s.leader]})
	}
	for _, a := range h.applied {
		r.Applied = append(r.Applied, AppliedRecord{a.when.record(), h.leaders.list[a.leader], a.dot.String()})
	}
}

func (q *request) record(h *History) WriteRecord {
	w := WriteRecord{Request: q.ID, Label: q.name(), Client: q.Client, Session: q.Session, Key: q.Key, Verb: q.Verb.String(),
		Exact: q.Exact, Sent: q.sent.record(), Accepted: []AcceptanceRecord{}}
	if q.adds() {
		w.Delta = q.Delta
	}
	if q.Exact {
		w.Shown = texts(q.Shown)
	}
	if !q.acked.never() {
		acked := q.acked.record()
		w.Acked = &acked
	}
	for i := range q.acceptances {
		a := &q.acceptances[i]
		w.Accepted = append(w.Accepted, AcceptanceRecord{Moment: a.when.record(), Leader: h.leaders.list[a.leader], Dot: a.Dot.String(),
			Over: texts(a.Over), Delta: a.Delta, After: texts(a.After.Dots), Unseen: a.Unseen})
	}
	return w
}

func (m moment) record() Moment { return Moment{m.turn, int64(m.at)} }

func texts(dots []logical.Dot) []string {
	out := make([]string, len(dots))
	for i, d := range dots {
		out[i] = d.String()
	}
	return out
}
