package quorum

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// Config is what a member is told once.
type Config struct {
	Name string // the leader's
	Dir  string // of the quorum alone, on FS
	FS   vfs.FS // nil: this machine's disk
	// Whole is why Dir may not be what this leader left: then it votes under no incarnation that it
	// had. Nil: it is.
	Whole error
	// Dial connects to another leader, where [Service.Serve] is given the other end.
	Dial func(ctx context.Context, leader string) (net.Conn, error)
	// Members lists the leaders of the cluster, this one included, without those that left
	// or were forgotten. It is called from many goroutines.
	Members func() []string
	Local   bool // all leaders are on one machine: it is found out sooner that one is gone
	Logger  *slog.Logger
}

// Errors that callers tell apart.
var (
	ErrNone     = errors.New("this cluster has no quorum; name its voters once, with: kv admin quorum set NAME NAME NAME")
	ErrNoQuorum = errors.New("no majority of the quorum answered")
)

// Voter is a leader under an incarnation of its database.
type Voter struct {
	Name        string `json:"name"`
	Incarnation string `json:"incarnation"`
}

// String is the voter as raft knows it.
func (v Voter) String() string { return v.Name + "#" + v.Incarnation }

func parseVoter(id string) Voter {
	name, incarnation, _ := strings.Cut(id, "#")
	return Voter{name, incarnation}
}

// memo is what a member durably knows of its quorum.
type memo struct {
	Incarnation string  `json:"incarnation"`
	Promised    uint64  `json:"promised"` // no attempt with a smaller number is taken part in
	Epoch       uint64  `json:"epoch"`    // of the quorum; zero: there is none
	Index       uint64  `json:"index"`    // where raft's log has these voters
	Voters      []Voter `json:"voters"`
	Votes       bool    `json:"votes"` // this member is one of them
}

// Service is one leader's part in the quorum of its cluster. Whoever made it must call
// Close.
type Service struct {
	cfg Config

	mu     sync.Mutex
	store  *store // nil: this leader was never told of a quorum
	memo   memo
	node   *node // nil: it does not vote
	lent   *handed
	server *http.Server
	client *http.Client
	pool   *http.Transport
	closed bool
	work   sync.WaitGroup
}

// Open goes on where the last run ended. Where there was no quorum it does nothing.
func Open(cfg Config) (*Service, error) {
	if cfg.FS == nil {
		cfg.FS = vfs.Default
	}
	s := &Service{cfg: cfg}
	s.pool = &http.Transport{DialContext: s.dialHTTP, IdleConnTimeout: 30 * time.Second, MaxIdleConnsPerHost: 4, DisableCompression: true}
	s.client = &http.Client{Transport: s.pool}
	if _, err := cfg.FS.Stat(cfg.Dir); err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return s, nil
		}
		return nil, err
	}
	if err := s.resume(); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

func (s *Service) resume() (err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.open(); err != nil {
		return err
	}
	if why := s.cfg.Whole; why != nil && s.memo.Incarnation != "" {
		s.cfg.Logger.Warn("this leader votes no more in the quorum until its voters are named again", "leader", s.cfg.Name, "why", why.Error())
		if err := s.renew(); err != nil {
			return err
		}
	}
	if s.memo.Votes {
		return s.vote(false)
	}
	return nil
}

// open opens the store, and makes it. The caller has locked s.
func (s *Service) open() error {
	if s.closed {
		return errors.New(s.cfg.Name + " is about to stop")
	}
	if s.store != nil {
		return nil
	}
	db, err := openStore(s.cfg.FS, s.cfg.Dir)
	if err != nil {
		return err
	}
	m, _, err := db.memo()
	if err == nil && m.Incarnation == "" {
		m.Incarnation = newIncarnation()
		err = db.setMemo(&m)
	}
	if err != nil {
		return errors.Join(err, db.close())
	}
	s.store, s.memo = db, m
	return nil
}

func newIncarnation() string { return strings.ToLower(rand.Text()[:13]) }

// renew gives up the present incarnation: it never votes again. The caller has locked s.
func (s *Service) renew() error {
	if s.node != nil {
		s.node.stop()
		s.node = nil
	}
	next := s.memo
	next.Incarnation, next.Votes = newIncarnation(), false
	if err := s.store.setMemo(&next); err != nil { // before its votes are gone
		return err
	}
	s.memo = next
	return errors.Join(s.store.forget(), removeSnapshots(&s.cfg))
}

func (s *Service) setMemo(m memo) error {
	if err := s.store.setMemo(&m); err != nil {
		return fmt.Errorf("the quorum's voters are not remembered: %w", err)
	}
	s.memo = m
	return nil
}

// vote starts raft. The caller has locked s.
func (s *Service) vote(bootstrap bool) error {
	if s.node != nil {
		return nil
	}
	n, err := startNode(s, bootstrap)
	if err == nil {
		s.node = n
	}
	return err
}

// voting is the running part of raft; nil: this member does not vote.
func (s *Service) voting() *node {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.node
}

// Status is what the member knows of the quorum.
type Status struct {
	Voters []Voter // none: there is no quorum, or it was never told of it
	Votes  bool
	Leader string // a leader's name; empty: not known here
	Leads  bool
	// Leaderless is for how long nobody has led, as a voter knows: no majority of the voters is there.
	Leaderless time.Duration
	Epoch      uint64
	Term       uint64 // these, where it votes
	Applied    uint64
	Locks      int
	Bytes      int
	Expired    uint64
}

// Status never waits for another leader.
func (s *Service) Status() Status {
	s.mu.Lock()
	m, n := s.memo, s.node
	s.mu.Unlock()
	st := Status{Voters: slices.Clone(m.Voters), Votes: n != nil, Epoch: m.Epoch}
	if n != nil {
		n.describe(&st)
	}
	return st
}

// Close ends everything that the member does. Who waits is answered.
func (s *Service) Close() error {
	s.mu.Lock()
	s.closed = true
	n, server, lent := s.node, s.server, s.lent
	s.node = nil
	s.mu.Unlock()
	if server != nil {
		_ = server.Close()
		_ = lent.Close()
	}
	if n != nil {
		n.stop()
	}
	s.pool.CloseIdleConnections()
	s.work.Wait()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.store == nil {
		return nil
	}
	err := s.store.close()
	s.store = nil
	return err
}

func sorted(voters []Voter) []Voter {
	return slices.SortedFunc(slices.Values(voters), func(a, b Voter) int { return cmp.Compare(a.String(), b.String()) })
}
