package repair

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"kvd/logical"
	"kvd/replica"
	"kvd/resolve"
	"kvd/resolve/rejoin"
	"kvd/storage"
	"kvd/storage/codec"
	"kvd/storage/riblt"
)

// held is the range that one other leader compares with this one.
type held struct {
	id        uint64 // of the question that began it; later ones count on from there
	table     *table
	explained map[string]bool // keys with ops beyond the other's cut
}

const (
	// coverWait is how long this leader waits until it has applied what the other had.
	coverWait = 5 * time.Second
	coverPoll = 5 * time.Millisecond
	// idleAfter is when a range is forgotten that nobody asks about.
	idleAfter = time.Minute
	// maxBeyond is how many ops beyond the other's cut are looked at.
	maxBeyond = 200_000
	// firstSymbols is how many come unasked.
	firstSymbols = 4
)

// serve answers the questions of one other leader, one after the other, until its queue
// is closed.
func (s *Service) serve(ctx context.Context, from replica.Leader, questions <-chan *message) {
	var h held
	idle := time.NewTimer(idleAfter)
	defer idle.Stop()
	for {
		var m *message
		select {
		case m = <-questions:
		case <-idle.C:
			h = held{}
			continue
		}
		if m == nil {
			return
		}
		idle.Reset(idleAfter)
		answer, err := s.answer(ctx, &h, m)
		if err != nil {
			answer = &message{kind: tellRefused, why: fmt.Sprintf("%s: %.400s", s.cfg.Name, err.Error())}
		}
		answer.id = m.id
		s.cfg.Send(from, answer.encode()) // what is not sent is asked again, or given up
	}
}

func (s *Service) answer(ctx context.Context, h *held, m *message) (*message, error) {
	switch {
	case m.kind == askCompare:
		return s.begin(ctx, h, m)
	case h.table == nil:
		return nil, fmt.Errorf("no range is being compared")
	case m.kind == askMore:
		return &message{kind: tellSymbols, span: h.table.span, symbols: h.table.symbols(m.from, m.from+m.n)}, nil
	}
	return s.rows(h, m)
}

// policyText is what objects depend on beside their ops: two leaders may watch with different
// shadows.
func policyText(p *resolve.Policy) string { return fmt.Sprintf("%s shadows=%x", p, uint64(p.Shadows)) }

func (t *table) symbols(from, to int) []riblt.Symbol {
	return riblt.Symbols(nil, t.items, t.span.seed.check, from, to)
}

// begin takes a cut that covers the other's.
func (s *Service) begin(ctx context.Context, h *held, m *message) (*message, error) {
	*h = held{id: m.id}
	if p := policyText(s.cfg.Policy()); p != m.policy {
		return nil, fmt.Errorf("it judges by %.150s and the other by %.150s: objects differ by that", p, m.policy)
	}
	if err := s.cover(ctx, m.frontier); err != nil {
		return nil, err
	}
	err := s.cfg.Loop.Snapshot(func(snap *storage.Snapshot, applied logical.Frontier) (err error) {
		if !applied.Includes(m.frontier) {
			return fmt.Errorf("it is behind the other's cut")
		}
		if h.explained, err = beyond(snap, applied, m.frontier, &m.span); err != nil {
			return err
		}
		h.table, err = scan(snap, applied, m.span, 2)
		return err
	})
	if err != nil {
		h.table = nil
		return nil, err
	}
	return &message{kind: tellSymbols, span: h.table.span, symbols: h.table.symbols(0, firstSymbols)}, nil
}

// cover waits until what is durable here includes f.
func (s *Service) cover(ctx context.Context, f logical.Frontier) error {
	ctx, cancel := context.WithTimeout(ctx, coverWait)
	defer cancel()
	tick := time.NewTicker(coverPoll)
	defer tick.Stop()
	for !s.cfg.Loop.Frontier().Includes(f) {
		select {
		case <-ctx.Done():
			return fmt.Errorf("it has not applied within %s what the other had", coverWait)
		case <-tick.C:
		}
	}
	return nil
}

// beyond is the keys of the span that have ops which are applied here and are not in f.
func beyond(snap *storage.Snapshot, applied, f logical.Frontier, s *span) (map[string]bool, error) {
	keys, ops := map[string]bool{}, 0
	for last := range applied.All() {
		have := f.At(last.Origin)
		if have >= last.Seq {
			continue
		}
		next := have + 1
		err := snap.LogEntries(last.Origin, next, func(seq logical.Seq, encoded []byte) (bool, error) {
			if ops++; ops > maxBeyond || seq != next {
				return false, fmt.Errorf("too much happened since the other's cut: more than %d ops, or they are not in the log any more", maxBeyond)
			}
			next++
			op, _, err := codec.DecodeBriefOp(encoded, 0)
			if err == nil && s.has(op.Key) {
				keys[op.Key] = true
			}
			return true, err
		})
		if err != nil {
			return nil, err
		}
	}
	return keys, nil
}

// rows is what this leader has of the keys that are asked for, as many as fit.
func (s *Service) rows(h *held, m *message) (*message, error) {
	keys := map[string]bool{}
	for _, k := range h.table.byItem(m.items) {
		keys[k] = true
	}
	for _, k := range m.keys {
		keys[k] = true
	}
	answer, size := &message{kind: tellRows}, 0
	err := s.cfg.Loop.Snapshot(func(snap *storage.Snapshot, _ logical.Frontier) error {
		for k := range keys {
			if !h.table.span.has(k) {
				continue
			}
			r, err := h.row(snap, k)
			if err != nil {
				return err
			}
			r.item, _ = h.table.itemOf(k)
			if n := r.size(); size+n > maxAnswer {
				if n <= maxAnswer {
					break // it is asked for again
				}
				r = row{key: k, item: r.item, explained: r.explained, large: true}
			}
			size += r.size()
			answer.rows = append(answer.rows, r)
		}
		return nil
	})
	return answer, err
}

// size is about what the row takes in a message.
func (r *row) size() int {
	n := 64 + len(r.key) + len(r.object)
	for _, op := range r.ops {
		n += 8 + len(op)
	}
	return n
}

// row reads what is held of a key now, which is explained if it is not what it was.
func (h *held) row(snap *storage.Snapshot, key string) (row, error) {
	r := row{key: key, explained: h.explained[key]}
	if r.explained {
		return r, nil
	}
	o, err := snap.Object(key)
	if err != nil {
		return r, err
	}
	r.object = stored(o)
	if r.explained = !h.table.holds(key, r.object); r.explained {
		return row{key: key, explained: true}, nil
	}
	var failed error
	ops := rejoin.Evidence(o, func(d logical.Dot) (*resolve.Op, bool) {
		op, known, err := snap.Op(d)
		failed = errors.Join(failed, err)
		return op, known && err == nil
	}, maxOps)
	for _, op := range ops {
		r.ops = append(r.ops, codec.AppendOp(nil, op))
	}
	return r, failed
}

// has reports whether the key is in the span.
func (s *span) has(key string) bool {
	return strings.HasPrefix(key, s.prefix) && (s.after == "" || key > s.after) && (s.open || key <= s.to)
}
