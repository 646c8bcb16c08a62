package history

import (
	"slices"

	"kvd/logical"
	"kvd/scenarios/script"
)

// Record is a history as plain data, with which anybody can check a judgement. Dots
// are texts. Values are left out: which write a dot names says what it holds.
type Record struct {
	Writes []writeRecord `json:"writes"` // by first attempt, with at least one acceptance or not
	Reads  []readRecord  `json:"reads"`  // readings that reached a client, in order
	Finals []finalRecord `json:"finals"` // what leaders show after settling
	// Lost is the leaders whose disks were emptied or replaced, and Applied which op
	// each leader came to have when. Where no disk was lost, both are empty.
	Lost    []appliedRecord `json:"disks_lost,omitempty"`
	Applied []appliedRecord `json:"applied,omitempty"`
}

type writeRecord struct {
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
	Accepted []acceptanceRecord `json:"accepted"`
}

type acceptanceRecord struct {
	Moment
	Leader string   `json:"leader"`
	Dot    string   `json:"dot"`
	Over   []string `json:"over"`             // what it went over
	Delta  int64    `json:"delta,omitempty"`  // what it added, as the leader says
	After  []string `json:"after"`            // what the leader showed right after
	Unseen bool     `json:"unseen,omitempty"` // the leader died before it could show anything
}

type readRecord struct {
	Moment
	Since  int32    `json:"since"` // what the client learned up to this turn, the reading must reflect
	Client string   `json:"client"`
	Leader string   `json:"leader"`
	Key    string   `json:"key"`
	Write  string   `json:"write,omitempty"` // the request whose acknowledgement carried it
	Dots   []string `json:"dots"`
}

type finalRecord struct {
	Leader string   `json:"leader"`
	Key    string   `json:"key"`
	Dots   []string `json:"dots"`
}

type appliedRecord struct {
	Moment
	Leader string `json:"leader"`
	Dot    string `json:"dot,omitempty"` // missing: a disk was lost
}

// Record is the history as plain data. It is the caller's.
func (h *History) Record() *Record {
	r := &Record{Writes: []writeRecord{}, Reads: []readRecord{}, Finals: []finalRecord{}}
	for _, q := range h.Calls {
		if q.Verb != script.OpGet {
			r.Writes = append(r.Writes, q.record(h))
		}
	}
	for i := range h.Replies {
		s := &h.Replies[i]
		read := readRecord{Moment: s.When, Since: s.Since, Client: h.Clients.List[s.Client], Leader: h.Leaders.List[s.Leader],
			Key: h.Keys.List[s.Key], Dots: Texts(s.Dots)}
		if s.Own >= 0 {
			read.Write = h.Calls[s.Own].ID
		}
		r.Reads = append(r.Reads, read)
	}
	for _, leader := range h.FinalLeaders() {
		for _, key := range slices.Sorted(slices.Values(h.Keys.List)) {
			r.Finals = append(r.Finals, finalRecord{Leader: leader, Key: key, Dots: Texts(h.Finals[LeaderKey{leader, key}].Dots)})
		}
	}
	if len(h.DiskLosses) > 0 {
		r.disks(h)
	}
	return r
}

func (r *Record) disks(h *History) {
	for _, s := range h.DiskLosses {
		r.Lost = append(r.Lost, appliedRecord{Moment: s.When, Leader: h.Leaders.List[s.Leader]})
	}
	for _, a := range h.Applications {
		r.Applied = append(r.Applied, appliedRecord{a.When, h.Leaders.List[a.Leader], a.Dot.String()})
	}
}

func (q *Call) record(h *History) writeRecord {
	w := writeRecord{Request: q.ID, Label: q.Name(), Client: q.Client, Session: q.Session, Key: q.Key, Verb: string(q.Verb),
		Exact: q.Exact, Sent: q.SentAt, Accepted: []acceptanceRecord{}}
	if q.Adds() {
		w.Delta = q.Delta
	}
	if q.Exact {
		w.Shown = Texts(q.Shown)
	}
	if !q.AckedAt.Never() {
		acked := q.AckedAt
		w.Acked = &acked
	}
	for i := range q.Acceptances {
		a := &q.Acceptances[i]
		w.Accepted = append(w.Accepted, acceptanceRecord{Moment: a.When, Leader: h.Leaders.List[a.Leader], Dot: a.Dot.String(),
			Over: Texts(a.Over), Delta: a.Delta, After: Texts(a.After.Dots), Unseen: a.Unseen})
	}
	return w
}

// Texts is the dots as JSON has them; it is never nil.
func Texts(dots []logical.Dot) []string {
	out := make([]string, len(dots))
	for i, d := range dots {
		out[i] = d.String()
	}
	return out
}
