package node

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"time"

	"kvd/logical"
	"kvd/replica"
	"kvd/replica/console"
	"kvd/replica/member"
	"kvd/storage/file"
)

// A leader that begins without data does not know what its cluster holds: INCR of
// a counter at 100 would answer 1, and SET NX of a key that is there would replace
// it everywhere. So it serves nobody before it has what the others had as each
// first spoke to it; what they accept later is concurrent to it, as always. What is
// asked of them is what they say of their own accord: their first status.
//
//   - Who was told of others (--join, members it remembers) waits until it has met
//     one and heard all that it can reach. There is no time after which it serves
//     from nothing: whoever wants that says --serve-while-joining.
//   - Two that both hold nothing hear so from each other, and serve.
//   - Who was told of nobody is the first leader of a cluster and serves at once.
//     Should somebody turn up who has more, it was not the first, and waits too.
//   - A leader with data serves at once, unless it was ended amid all this: a file
//     beside the data says so.
type newcomer struct {
	*Leader
	self  string
	words map[replica.Leader]*word
	end   func() // of the hold; nil: none
	state atomic.Pointer[arrival]
}

// word is what another leader said first.
type word struct {
	since time.Time // when it was last known to be in reach, or first seen
	heard bool
	has   logical.Frontier
}

// arrival is how far a newcomer has come.
type arrival struct {
	met         bool     // somebody, or there is nobody to meet
	asked       bool     // everybody whom to meet, once
	bare        bool     // nothing is applied here
	trouble     error    // why nobody was met yet
	silent      []string // in reach and not heard yet
	heard       []string // in reach and heard
	done, total uint64   // ops that they had, and those of them that are here
}

// joinPatience is how long a leader that gossip calls alive may have no link to us
// before it is no longer waited for. Others relay what it has.
const joinPatience = 10 * time.Second

// lookAlone is how often a leader that serves looks whether it is the first.
const lookAlone = 20 * time.Millisecond

const newcomerFile = "joining"

// beginsEmpty reports whether the leader has no data, or not yet all that its
// cluster had when it began without.
func (l *Leader) beginsEmpty() (bool, error) {
	st, _, err := l.store.State()
	if err != nil || !l.onDisk() {
		return st.Frontier.Len() == 0, err
	}
	path := filepath.Join(l.cfg.Dir, newcomerFile)
	if st.Frontier.Len() == 0 {
		return true, file.Replace(path, []byte("This leader began without data and has not yet what the others had then.\n"), 0o644)
	}
	_, err = os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil, err
}

// arrive makes a leader that began without data wait until it has what others had.
func (l *Leader) arrive() {
	n := &newcomer{Leader: l, self: l.cfg.Name, words: map[replica.Leader]*word{}}
	if !n.look(time.Now()).first() {
		n.hold()
	}
	l.newcomer.Store(n)
	l.serving.Go(n.run)
}

// hold begins to keep clients out, unless somebody wants them served.
func (n *newcomer) hold() {
	log := n.cfg.Logger.With("leader", n.cfg.Name)
	if n.cfg.ServeWhileJoining {
		n.end = func() {}
		log.Warn("serves though it has not what others have, as it was told to", "why", n.state.Load().String())
		return
	}
	n.end = n.holds.begin(console.CatchingUp, func() (string, console.Progress) {
		a := n.state.Load()
		return a.String() + "; ask another leader meanwhile", console.Progress{Done: a.done, Total: a.total}
	})
	log.Info("does not serve yet", "why", n.state.Load().String())
}

// waits reports whether data of others is still missing; a leader that is no
// newcomer lacks none.
func (n *newcomer) waits() bool { return n != nil && !n.state.Load().first() }

func (n *newcomer) run() {
	for {
		a := n.look(time.Now())
		pause := lookAround
		switch {
		case a.complete() && (n.end != nil || !a.bare): // the first of a cluster may have met another that has nothing
			n.arrived()
			return
		case n.end != nil:
		case a.lacks():
			n.hold()
		default:
			pause = lookAlone
		}
		select {
		case <-time.After(pause):
		case <-n.loop.Done():
			return
		}
	}
}

// arrived lets clients in, for good.
func (n *newcomer) arrived() {
	if n.onDisk() {
		if err := os.Remove(filepath.Join(n.cfg.Dir, newcomerFile)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			n.cfg.Logger.Warn("the next start waits for others once more", "leader", n.cfg.Name, "why", err.Error())
		}
	}
	if n.end != nil {
		n.cfg.Logger.Info("has what the others had", "leader", n.cfg.Name, "ops", n.state.Load().total)
		n.end()
	}
	n.newcomer.Store(nil)
}

// look asks the parts of the leader how far it has come.
func (n *newcomer) look(now time.Time) *arrival {
	s := n.loop.Status()
	a := n.weigh(n.members.View(), s.State.Frontier, s.Peers, now)
	n.state.Store(a)
	return a
}

// weigh says how far it has come by who there is, what is applied here, and what
// is known of the others.
func (n *newcomer) weigh(v member.View, applied logical.Frontier, known []replica.PeerView, now time.Time) *arrival {
	peers := map[replica.Leader]replica.PeerView{}
	for _, p := range known {
		peers[p.Peer] = p
	}
	a := &arrival{met: v.Joined, asked: v.Tried, bare: applied.Len() == 0, trouble: v.Trouble}
	target := logical.Frontier{}
	for _, m := range v.Members {
		if name := replica.Leader(m.Name); m.Name != n.self && m.Status == member.Alive {
			target = target.Join(n.listen(a, name, peers[name], now))
		}
	}
	for d := range target.All() {
		a.total += uint64(d.Seq)
		a.done += uint64(min(d.Seq, applied.At(d.Origin)))
	}
	return a
}

// listen notes what a live member said first, and gives it if the member is in
// reach. What it had and lost is not waited for.
func (n *newcomer) listen(a *arrival, name replica.Leader, p replica.PeerView, now time.Time) logical.Frontier {
	w := n.words[name]
	if w == nil {
		w = &word{since: now}
		n.words[name] = w
	}
	if p.Up {
		w.since = now
	}
	if p.Life != 0 && (!w.heard || !p.Known.Includes(w.has)) {
		w.heard, w.has = true, p.Known
	}
	switch {
	case now.Sub(w.since) > joinPatience:
	case !w.heard:
		a.silent = append(a.silent, string(name))
	default:
		a.heard = append(a.heard, string(name))
		return w.has
	}
	return logical.Frontier{}
}

// first reports whether there is nobody who could have data.
func (a *arrival) first() bool { return a.met && len(a.silent)+len(a.heard) == 0 }

func (a *arrival) complete() bool {
	return a.asked && len(a.heard) > 0 && len(a.silent) == 0 && a.done == a.total
}

func (a *arrival) lacks() bool { return a.done < a.total }

// String says how far it has come.
func (a *arrival) String() string {
	switch {
	case a.lacks():
		return fmt.Sprintf("it began without data, and has %d of the %d writes that %s had when it met them", a.done, a.total, strings.Join(a.heard, ", "))
	case len(a.silent) > 0:
		return fmt.Sprintf("it began without data, and waits to hear what %s has", strings.Join(a.silent, ", "))
	case len(a.heard) > 0:
		return "it began without data, and not everybody whom to join was asked yet"
	case !a.met:
		return "it began without data, and has met no other leader yet" + because(a.trouble) + "; start another, correct --join, or let it serve from nothing with --serve-while-joining"
	}
	return "it began without data, and no leader that it has met can be reached; start one, or let it serve from nothing with --serve-while-joining"
}
