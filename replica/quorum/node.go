package quorum

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/raft"

	"kvd/replica/lease"
)

// node is raft as it runs at a voter.
type node struct {
	raft    *raft.Raft
	trans   *raft.NetworkTransport
	m       *machine
	streams *handed                   // raft's listener
	term    atomic.Uint64             // in which this member leads, and has applied all from before; zero: none
	waiting atomic.Int64              // callers that wait for a lock
	led     atomic.Pointer[time.Time] // when somebody was last known to lead
	quit    chan struct{}
	over    chan struct{}
}

// silence is how long a voter hears nothing from the one that leads before it wants to lead.
func (c *Config) silence() time.Duration {
	if c.Local {
		return 250 * time.Millisecond
	}
	return time.Second
}

func startNode(s *Service, bootstrap bool) (*node, error) {
	self := raft.ServerID(Voter{s.cfg.Name, s.memo.Incarnation}.String())
	log := hclog.New(&hclog.LoggerOptions{Name: "raft", Level: hclog.Warn, Output: logWriter{s.cfg.Logger, s.cfg.Name}, DisableTime: true})
	cfg := raft.DefaultConfig()
	cfg.LocalID, cfg.Logger, cfg.NoLegacyTelemetry = self, log, true
	quiet := s.cfg.silence()
	cfg.HeartbeatTimeout, cfg.ElectionTimeout, cfg.LeaderLeaseTimeout = quiet, quiet, quiet/2
	cfg.CommitTimeout, cfg.TrailingLogs = 20*time.Millisecond, 1024
	snaps, err := openSnapshots(&s.cfg, log)
	if err != nil {
		return nil, err
	}
	n := &node{m: newMachine(s.memo.Epoch), streams: newHanded(), quit: make(chan struct{}), over: make(chan struct{})}
	n.trans = raft.NewNetworkTransportWithConfig(&raft.NetworkTransportConfig{
		Stream: &layer{n.streams, raft.ServerAddress(self), s}, MaxPool: 2, Timeout: 2 * quiet, Logger: log,
	})
	if bootstrap {
		var all raft.Configuration
		for _, v := range s.memo.Voters {
			all.Servers = append(all.Servers, raft.Server{ID: raft.ServerID(v.String()), Address: raft.ServerAddress(v.String())})
		}
		err = raft.BootstrapCluster(cfg, s.store, s.store, snaps, n.trans, all)
		if errors.Is(err, raft.ErrCantBootstrap) {
			err = nil // it was, by an attempt before
		}
	}
	if err == nil {
		n.raft, err = raft.NewRaft(cfg, n.m, s.store, s.store, snaps, n.trans)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("start voting in the quorum: %w", err), n.trans.Close())
	}
	began := time.Now()
	n.led.Store(&began)
	go n.run()
	return n, nil
}

// maxSnapshots is how many snapshots are kept.
const maxSnapshots = 2

func openSnapshots(cfg *Config, log hclog.Logger) (raft.SnapshotStore, error) {
	if cfg.FS != vfs.Default {
		return raft.NewInmemSnapshotStore(), nil
	}
	return raft.NewFileSnapshotStoreWithLogger(cfg.Dir, maxSnapshots, log)
}

func removeSnapshots(cfg *Config) error {
	if cfg.FS != vfs.Default {
		return nil
	}
	return os.RemoveAll(filepath.Join(cfg.Dir, "snapshots"))
}

// run takes over when this member leads, and ends leases while it does.
func (n *node) run() {
	defer close(n.over)
	next := time.NewTimer(time.Hour)
	defer next.Stop()
	look := time.NewTicker(time.Second)
	defer look.Stop()
	for {
		select {
		case leads := <-n.raft.LeaderCh():
			n.term.Store(0)
			if leads {
				n.takeOver()
			}
		case <-n.m.wake:
		case <-next.C:
		case <-look.C:
			if now := time.Now(); n.leader() != "" { // the tick may be from before a pause of this process
				n.led.Store(&now)
			}
			continue
		case <-n.quit:
			return
		}
		if n.leads() {
			next.Reset(n.expire())
		}
	}
}

// takeOver makes sure that everything from before is applied here.
func (n *node) takeOver() {
	term := n.raft.CurrentTerm()
	if n.raft.Barrier(0).Error() == nil {
		n.m.restart()
		n.term.Store(term)
	}
}

// leads reports whether this member leads as far as it knows. A read is worth something once
// verified.
func (n *node) leads() bool {
	t := n.term.Load()
	return t != 0 && n.raft.CurrentTerm() == t && n.raft.State() == raft.Leader
}

func (n *node) expire() time.Duration {
	ends, next := n.m.due(time.Now())
	for _, e := range ends {
		data, err := json.Marshal(e)
		if err == nil {
			n.raft.Apply(data, time.Second) // if it is lost it is due again
		}
	}
	return next
}

// errAgain says that another member leads by now, or none: the caller looks for it.
var errAgain = errors.New("it does not lead the quorum")

// apply has a majority agree on an entry, and returns what it did.
func (n *node) apply(e lease.Entry, limit time.Duration) (lease.Result, error) {
	data, err := json.Marshal(e)
	if err != nil {
		return lease.Result{}, err
	}
	f := n.raft.Apply(data, limit)
	if err := f.Error(); err != nil {
		return lease.Result{}, fmt.Errorf("%w: %w", errAgain, err)
	}
	switch r := f.Response().(type) {
	case lease.Result:
		return r, nil
	case error:
		return lease.Result{}, r
	}
	return lease.Result{}, errAgain
}

// verify asks a majority whether this member still leads.
func (n *node) verify() error {
	if err := n.raft.VerifyLeader().Error(); err != nil || !n.leads() {
		return errAgain
	}
	return nil
}

func (n *node) leader() string {
	_, id := n.raft.LeaderWithID()
	return parseVoter(string(id)).Name
}

func (n *node) describe(s *Status) {
	s.Leader, s.Leads, s.Term, s.Applied = n.leader(), n.leads(), n.raft.CurrentTerm(), n.raft.AppliedIndex()
	s.Locks, s.Bytes, s.Expired = n.m.stats()
	if s.Leader == "" {
		s.Leaderless = time.Since(*n.led.Load())
	}
}

// voters is the configuration that raft has, and where in its log.
func (n *node) voters() ([]Voter, uint64, error) {
	f := n.raft.GetConfiguration()
	if err := f.Error(); err != nil {
		return nil, 0, err
	}
	var all []Voter
	for _, s := range f.Configuration().Servers {
		all = append(all, parseVoter(string(s.ID)))
	}
	return sorted(all), f.Index(), nil
}

// stop ends voting. The others find out by silence: to hand the leadership over first may wait for
// ever, if it is lost meanwhile.
func (n *node) stop() {
	close(n.quit)
	_ = n.raft.Shutdown().Error()
	_ = n.trans.Close()
	<-n.over
}

// logWriter is what raft says, a line at a time, in our log.
type logWriter struct {
	log  *slog.Logger
	name string
}

func (w logWriter) Write(line []byte) (int, error) {
	w.log.Info("quorum", "leader", w.name, "raft", strings.TrimSpace(string(line)))
	return len(line), nil
}
