package link

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"

	"kvd/logical"
	"kvd/replica"
	"kvd/replica/wire"
)

// EventKind is what happened.
type EventKind uint8

// The kinds of event.
const (
	Up         EventKind = 1 + iota // a peer welcomed us: it can be sent to
	Down                            // the connection we dialled is gone
	DialFailed                      // a peer could not be reached or greeted
	Refused                         // a peer would not have us: Err is a *RefusedError
	Joined                          // a peer dialled us and was welcomed
	Parted                          // the connection a peer dialled is gone
	Rejected                        // we would not have whoever dialled or answered: Err is a *RefusedError
	Garbage                         // bytes that no leader sends; the connection was closed
	Slow                            // a greeting took too long, or too many were in progress
	QueueFull                       // batches to a peer were dropped: Count
	Unsendable                      // an op is larger than a frame may be
	Shared                          // two live leaders have one Origin, or one has more of ours than we do
)

// String names the kind.
func (k EventKind) String() string {
	return [...]string{"unknown", "up", "down", "dial failed", "refused", "joined", "parted", "rejected", "garbage", "slow greeting", "queue full", "unsendable", "origin shared"}[k]
}

// Event is a typed fact about the mesh.
type Event struct {
	Kind  EventKind
	Peer  replica.Leader // empty while unknown
	Addr  string         // of the other end
	Count int            // QueueFull: batches
	Err   error          // why; nil where that is no question

	// Of Shared: the origin, and where it is not ours the other leader that has it.
	// Lost: it is ours, and the peer has ops of it that we have not.
	Origin logical.Origin
	Also   replica.Leader
	Lost   bool
}

func (e Event) level() slog.Level {
	switch e.Kind {
	case Up, Down, Joined, Parted:
		return slog.LevelInfo
	case DialFailed:
		return slog.LevelDebug
	}
	return slog.LevelWarn
}

// RefusedError says that one leader will not talk to another, and why, in words
// for whoever runs them.
type RefusedError struct {
	By, Of replica.Leader // who refused whom
	Reason wire.Reason
	Detail string
}

func (e *RefusedError) Error() string {
	return fmt.Sprintf("%s refused %s: %s: %s", e.By, e.Of, e.Reason, e.Detail)
}

// emit tells log and listener, holding no lock.
func (m *Mesh) emit(e Event) {
	if l := m.cfg.Logger; l != nil {
		attrs := []slog.Attr{slog.String("peer", string(e.Peer)), slog.String("addr", e.Addr)}
		if e.Err != nil {
			attrs = append(attrs, slog.String("why", e.Err.Error()))
		}
		if e.Count > 0 {
			attrs = append(attrs, slog.Int("count", e.Count))
		}
		l.LogAttrs(context.Background(), e.level(), "link "+e.Kind.String(), attrs...)
	}
	if m.cfg.OnEvent != nil {
		m.cfg.OnEvent(e)
	}
}

// tellShared says so if it is a shared origin that keeps us from talking to whoever
// introduced itself by h.
func (m *Mesh) tellShared(no *wire.Refuse, h *wire.Hello) {
	e := Event{Kind: Shared, Peer: replica.Leader(h.Leader), Origin: h.Origin, Err: errors.New(no.Detail)}
	switch {
	case no.Reason == wire.LostLog:
		e.Origin, e.Lost = m.cfg.Origin, true
	case no.Reason != wire.OriginTwice:
		return
	case h.Origin != m.cfg.Origin:
		m.mu.RLock()
		e.Also = m.holderOf(h.Origin, e.Peer)
		m.mu.RUnlock()
	}
	m.emit(e)
}

// holderOf is which other leader has an origin; empty: nobody who is connected. The
// caller holds the lock.
func (m *Mesh) holderOf(o logical.Origin, but replica.Leader) replica.Leader {
	for _, other := range slices.Sorted(maps.Keys(m.peers)) {
		live := logical.Origin(m.peers[other].origin.Load())
		if in := m.inbound[other]; in != nil {
			live = in.hello.Origin
		}
		if other != but && live == o {
			return other
		}
	}
	return ""
}
