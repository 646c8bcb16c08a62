package joining

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"time"

	"kvd/logical"
	"kvd/replica"
	"kvd/replica/console"
	"kvd/replica/host"
	"kvd/replica/member"
	"kvd/storage/file"
)

// Newcomer is a leader that began without data, until it has what the others had.
type Newcomer struct {
	cfg      Config
	first    map[replica.Leader]*statement
	release  func() // clients; nil: nothing holds them off
	progress atomic.Pointer[progress]
}

// Config is what a newcomer is told once.
type Config struct {
	Name   string // the leader's
	Dir    string // the data directory; empty: nothing outlives the process
	Serve  bool   // serve clients all the same
	Logger *slog.Logger

	Members func() member.View
	Loop    *host.Loop
	Block   func(console.Cause, func() (string, console.Progress)) (release func())
}

// statement is what another leader said first.
type statement struct {
	since time.Time // when it was last known to be in reach, or first seen
	heard bool
	has   logical.Frontier
}

type progress struct {
	known       bool     // somebody is, or there is nobody to be known
	asked       bool     // everybody whom to join, once
	empty       bool     // nothing is applied here
	trouble     string   // why nobody is known yet, as View.Because says it
	silent      []string // in reach and not heard yet
	heard       []string // in reach and heard
	done, total uint64   // ops that they had, and those of them that are here
}

// linkTimeout is how long a leader that gossip calls alive may have no link to us
// before it is no longer waited for. Others relay what it has.
const linkTimeout = 10 * time.Second

// pollServing is how often a leader that serves checks whether it is the first, and
// pollWaiting how often one that waits checks how far it has come.
const (
	pollWaiting = 10 * time.Millisecond
	pollServing = 20 * time.Millisecond
)

const newcomerFile = "joining"

// BeginsEmpty reports whether a leader whose log reaches as far as f has no data, or
// not yet all that its cluster had when it began without. dir as in [Config].
func BeginsEmpty(dir string, f logical.Frontier) (bool, error) {
	if dir == "" {
		return f.Len() == 0, nil
	}
	path := filepath.Join(dir, newcomerFile)
	if f.Len() == 0 {
		return true, file.Replace(path, []byte("This leader began without data and has not yet what the others had then.\n"), 0o644)
	}
	_, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil, err
}

// New is a leader that began without data: from now on clients are held off, unless it
// is the first of its cluster. Whoever made it calls [Newcomer.Run].
func New(cfg Config) *Newcomer {
	n := &Newcomer{cfg: cfg, first: map[replica.Leader]*statement{}}
	if !n.poll(time.Now()).alone() {
		n.block()
	}
	return n
}

// block begins to keep clients out, unless somebody wants them served.
func (n *Newcomer) block() {
	log := n.cfg.Logger.With("leader", n.cfg.Name)
	if n.cfg.Serve {
		n.release = func() {}
		log.Warn("serves though it has not what others have, as it was told to", "why", n.progress.Load().String())
		return
	}
	n.release = n.cfg.Block(console.CatchingUp, func() (string, console.Progress) {
		p := n.progress.Load()
		return p.String() + "; ask another leader meanwhile", console.Progress{Done: p.done, Total: p.total}
	})
	log.Info("does not serve yet", "why", n.progress.Load().String())
}

// Waits reports whether data of others is still missing; a leader that is no
// newcomer, nil, lacks none.
func (n *Newcomer) Waits() bool { return n != nil && !n.progress.Load().alone() }

// Run waits until the leader has what the others had, and then lets clients in for
// good. It reports whether that came about; false: the loop ended first.
func (n *Newcomer) Run() (arrived bool) {
	for {
		p := n.poll(time.Now())
		pause := pollWaiting
		switch {
		case p.complete() && (n.release != nil || !p.empty): // the first of a cluster may know another that has nothing
			n.arrive()
			return true
		case n.release != nil:
		case p.lacks():
			n.block()
		default:
			pause = pollServing
		}
		select {
		case <-time.After(pause):
		case <-n.cfg.Loop.Done():
			return false
		}
	}
}

func (n *Newcomer) arrive() {
	if n.cfg.Dir != "" {
		if err := os.Remove(filepath.Join(n.cfg.Dir, newcomerFile)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			n.cfg.Logger.Warn("the next start waits for others once more", "leader", n.cfg.Name, "why", err.Error())
		}
	}
	if n.release != nil {
		n.cfg.Logger.Info("has what the others had", "leader", n.cfg.Name, "ops", n.progress.Load().total)
		n.release()
	}
}

func (n *Newcomer) poll(now time.Time) *progress {
	s := n.cfg.Loop.Status()
	p := n.compare(n.cfg.Members(), s.State.Frontier, s.Peers, now)
	n.progress.Store(p)
	return p
}

// compare says how far it has come by who there is, what is applied here, and what
// is known of the others.
func (n *Newcomer) compare(v member.View, applied logical.Frontier, known []replica.PeerView, now time.Time) *progress {
	peers := map[replica.Leader]replica.PeerView{}
	for _, p := range known {
		peers[p.Peer] = p
	}
	out := &progress{known: v.Joined, asked: v.Tried, empty: applied.Len() == 0, trouble: v.Because()}
	target := logical.Frontier{}
	for _, m := range v.Members {
		if name := replica.Leader(m.Name); m.Name != n.cfg.Name && m.Status == member.Alive {
			target = target.Join(n.note(out, name, peers[name], now))
		}
	}
	for d := range target.All() {
		out.total += uint64(d.Seq)
		out.done += uint64(min(d.Seq, applied.At(d.Origin)))
	}
	return out
}

// note remembers what a live member said first, and gives it if the member is in
// reach. What it had and lost is not waited for.
func (n *Newcomer) note(out *progress, name replica.Leader, p replica.PeerView, now time.Time) logical.Frontier {
	w := n.first[name]
	if w == nil {
		w = &statement{since: now}
		n.first[name] = w
	}
	if p.Up {
		w.since = now
	}
	if p.Origin != 0 && (!w.heard || !p.Known.Includes(w.has)) {
		w.heard, w.has = true, p.Known
	}
	switch {
	case now.Sub(w.since) > linkTimeout:
	case !w.heard:
		out.silent = append(out.silent, string(name))
	default:
		out.heard = append(out.heard, string(name))
		return w.has
	}
	return logical.Frontier{}
}

// alone reports whether there is nobody who could have data.
func (p *progress) alone() bool { return p.known && len(p.silent)+len(p.heard) == 0 }

func (p *progress) complete() bool {
	return p.asked && len(p.heard) > 0 && len(p.silent) == 0 && p.done == p.total
}

func (p *progress) lacks() bool { return p.done < p.total }

// String says how far it has come.
func (p *progress) String() string {
	switch {
	case p.lacks():
		return fmt.Sprintf("it began without data, and has %d of the %d writes that %s had when it met them", p.done, p.total, strings.Join(p.heard, ", "))
	case len(p.silent) > 0:
		return fmt.Sprintf("it began without data, and waits to hear what %s has", strings.Join(p.silent, ", "))
	case len(p.heard) > 0:
		return "it began without data, and not everybody whom to join was asked yet"
	case !p.known:
		return "it began without data, and has met no other leader yet" + p.trouble + "; start another, correct --join, or let it serve from nothing with --serve-while-joining"
	}
	return "it began without data, and no leader that it has met can be reached; start one, or let it serve from nothing with --serve-while-joining"
}
