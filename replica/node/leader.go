package node

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"path/filepath"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"kvd/logical"
	"kvd/replica"
	"kvd/replica/command"
	"kvd/replica/console"
	"kvd/replica/host"
	"kvd/replica/link"
	"kvd/replica/member"
	"kvd/replica/node/internal/acks"
	"kvd/replica/node/internal/answers"
	"kvd/replica/node/internal/backups"
	"kvd/replica/node/internal/clock"
	"kvd/replica/node/internal/feed"
	"kvd/replica/node/internal/fit"
	"kvd/replica/node/internal/identity"
	"kvd/replica/node/internal/joining"
	"kvd/replica/node/internal/known"
	"kvd/replica/node/internal/locks"
	"kvd/replica/node/internal/monitor"
	"kvd/replica/node/internal/policies"
	"kvd/replica/node/internal/readiness"
	"kvd/replica/node/internal/recovery"
	"kvd/replica/node/internal/repair"
	"kvd/replica/node/internal/returning"
	"kvd/replica/node/internal/stability"
	"kvd/replica/node/internal/transfer"
	"kvd/replica/resp/server"
	"kvd/storage"
	"kvd/storage/faulty"
)

// protocol is the version of the messages between leaders; leaders of different
// versions refuse each other.
const protocol = 4

// Leader is one running leader. Whoever started it must call Stop.
type Leader struct {
	cfg     Config
	setting *policies.Setting
	began   time.Time
	origin  logical.Origin
	resumed bool

	store   *storage.Store
	disk    *recovery.Disk
	monitor *monitor.Monitor
	pump    *host.Pump
	loop    *host.Loop
	mesh    *link.Mesh
	members *member.Members
	resp    *server.Server
	console *console.Console

	clock  *clock.Clock
	faults *link.Faults
	// diskFaults is what is wrong with the disk, as faults were planted.
	diskFaults faulty.Disk
	metrics    *console.Metrics
	blockers   readiness.Blockers // what keeps it from serving for now
	empty      bool               // it began without data
	folded     bool               // objects went over to another policy with this start
	// newcomer is nil once the leader has the data that the others had.
	newcomer atomic.Pointer[joining.Newcomer]
	lossFeed *feed.Hub
	backups  *backups.Backups   // nil before there are links
	repairs  *repair.Service    // nil before there are links
	sender   *transfer.Sender   // the same
	receiver *transfer.Receiver // nil: nothing outlives the process
	answers  *answers.Answers
	outbox   outbox
	acks     *acks.Keeper
	clients  atomic.Pointer[server.Server] // resp, for who may ask before it is there
	locks    atomic.Pointer[locks.Service]
	policies *policies.Service
	// collector removes from the log what is known everywhere.
	collector *stability.Collector

	listeners struct{ resp, http, peer net.Listener }
	addrs     Addrs // as others are told

	draining atomic.Bool
	scarce   atomic.Bool // it was said that places for origins are
	renewing atomic.Bool // the next start takes a new origin, however this incarnation ends
	meeting  atomic.Bool // it is found out what a rival is
	broken   chan error  // of one: why the leader cannot go on
	serving  sync.WaitGroup
	stopping sync.Once
	stopped  error // how stopping went

	forgotten *known.Forgotten  // guards itself
	returning *returning.Return // guards itself
	returned  *returning.State  // as the start found it
	leaving   atomic.Bool       // for good: that others forget it is as it should be
	identity  *identity.Keeper  // guards itself; nil: nothing outlives the process

	rivalSince time.Time // a rival is silent since; zero: none is. For who set meeting

	mu      sync.Mutex
	known   known.Members
	origins *known.Origins // guards itself
}

// Start begins to serve. It fails at the first part that cannot be had, with
// everything before it closed again. The context bounds the start only.
func Start(ctx context.Context, cfg Config) (*Leader, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	side := cfg.sideDir()
	s, err := policies.Recall(side, cfg.Name, cfg.Policy, cfg.PolicyVersion, cfg.Logger)
	if err != nil {
		return nil, fmt.Errorf("start %s: %w", cfg.Name, err)
	}
	l, err := startUnder(ctx, cfg, s)
	if s.GoBack(side, err) {
		l, err = startUnder(ctx, cfg, s)
	}
	return l, err
}

func startUnder(ctx context.Context, cfg Config, s *policies.Setting) (*Leader, error) {
	cfg.Policy, cfg.PolicyVersion = s.Policy, s.Version
	if err := fit.Check(replica.Defaults(), server.Defaults(), link.Defaults()); err != nil {
		return nil, fmt.Errorf("start %s: %w", cfg.Name, err)
	}
	l := &Leader{
		cfg: cfg, setting: s, began: time.Now(), broken: make(chan error, 1),
		faults:   link.NewFaults(rand.Uint64()),
		blockers: readiness.Blockers{Leader: cfg.Name}, forgotten: known.NewForgotten(),
		metrics: console.NewMetrics(console.Build{Version: cfg.Version, Go: runtime.Version()}, cfg.Policy.Rule),
	}
	for _, step := range []func(context.Context) error{
		l.mayStart, l.openClock, l.bind, l.openStore, l.beginOrigin, l.openMesh, l.openConsole, l.openMembers, l.openLocks, l.openResp, l.serve,
	} {
		if err := step(ctx); err != nil {
			l.abandon()
			return nil, fmt.Errorf("start %s: %w", cfg.Name, err)
		}
	}
	return l, nil
}

// bind takes the addresses, so that others can be told of them before anybody is
// served.
func (l *Leader) bind(context.Context) (err error) {
	for _, b := range []struct {
		name, addr, advertise string
		to                    *net.Listener
		told                  *string
	}{
		{"RESP", l.cfg.Addrs.RESP, l.cfg.Advertise.RESP, &l.listeners.resp, &l.addrs.RESP},
		{"HTTP", l.cfg.Addrs.HTTP, l.cfg.Advertise.HTTP, &l.listeners.http, &l.addrs.HTTP},
		{"peer", l.cfg.Addrs.Peer, l.cfg.Advertise.Peer, &l.listeners.peer, &l.addrs.Peer},
	} {
		if *b.to, err = net.Listen("tcp", b.addr); err != nil {
			return fmt.Errorf("the %s address: %w; choose a free address of this machine", b.name, err)
		}
		*b.told = l.cfg.advertised(b.advertise, (*b.to).Addr().String())
	}
	return nil
}

func (l *Leader) openClock(ctx context.Context) (err error) {
	l.clock, err = clock.New(ctx, l.cfg.judge())
	return err
}

// onDisk reports whether anything outlives the process.
func (l *Leader) onDisk() bool { return l.cfg.FS == nil }

func (l *Leader) openMesh(context.Context) (err error) {
	l.lend()
	cfg := link.Defaults()
	cfg.Name, cfg.Cluster, cfg.Origin, cfg.Policy = replica.Leader(l.cfg.Name), l.cfg.Cluster, l.origin, l.cfg.Policy.String()
	cfg.Listener, cfg.RESP, cfg.HTTP = l.listeners.peer, l.addrs.RESP, l.addrs.HTTP
	cfg.Refuses = l.refuses
	cfg.TLS, cfg.FreshTLS, cfg.Faults = l.cfg.TLS.Between(), l.cfg.TLS.Between, l.faults
	cfg.Logger, cfg.OnEvent, cfg.OnPublished, cfg.OnFetch = l.cfg.Logger.With("leader", l.cfg.Name), l.onLinkEvent, l.onPublished, l.sender.Serve
	cfg.OnQuorum = l.onQuorum
	l.policies = l.newPolicies()
	cfg.OnPolicy = l.policies.Serve
	l.repairs = l.newRepairs()
	cfg.OnRepair = l.repairs.Hear
	if l.mesh, err = link.New(cfg, sink{l.loop, l.monitor}); err == nil {
		l.outbox.mesh.Store(l.mesh)
	}
	return err
}

func (l *Leader) openConsole(context.Context) (err error) {
	cfg := console.Config{Listener: l.listeners.http, TLS: l.cfg.TLS.Server(), Logger: l.cfg.Logger, Login: l.cfg.loginConsole(), Losses: l.lossFeed.Page(),
		Store: answers.Pages{Of: func() *answers.Answers { return l.answers }, Loading: l.blockers.Loading}, Experiments: l.cfg.Experiments}
	l.console, err = console.New(cfg, source{l}, l.metrics)
	return err
}

func (l *Leader) openMembers(context.Context) (err error) {
	if l.members, err = member.Start(l.memberConfig(l.cfg.PolicyVersion), l.learn); err == nil {
		l.addrs.Gossip = l.members.Addr()
	}
	return err
}

// memberConfig is what others are told of the leader under that policy.
func (l *Leader) memberConfig(v policies.Version) member.Config {
	cfg := member.Config{
		Name: l.cfg.Name, Cluster: l.cfg.Cluster, Origin: uint64(l.origin), Begun: l.returning.Begun(),
		Bind: l.cfg.Addrs.Gossip, Advertise: l.cfg.gossipAdvertised(), Join: l.cfg.Join,
		PeerAddr: l.addrs.Peer, RespAddr: l.addrs.RESP, HTTPAddr: l.addrs.HTTP,
		Protocol: protocol, PolicyDigest: policies.Digest(cmp.Or(v.Text, l.cfg.Policy.String())), PolicyNumber: v.Number,
		GossipKey: l.cfg.GossipKey, Profile: l.cfg.Profile, Logger: l.cfg.Logger, Heard: l.hearForgotten,
	}
	if l.onDisk() {
		cfg.SnapshotPath = filepath.Join(l.cfg.Dir, "gossip")
	}
	return cfg
}

// respConfig is what clients are served with, whether or not the leader is there.
func (l *Leader) respConfig() server.Config {
	cfg := server.Defaults()
	cfg.Commands = command.Table(command.Options{})
	cfg.Version, cfg.TLS = l.cfg.Version, l.cfg.TLS.Server()
	cfg.Limits = cfg.Limits.Within(l.cfg.ClientMemory)
	if l.cfg.Users != nil {
		cfg.Login, cfg.RequireAuth = l.cfg.Users.Login, true
	}
	return cfg
}

func (l *Leader) openResp(context.Context) (err error) {
	l.answers = answers.New(answers.Config{
		Name: l.cfg.Name, Origin: l.origin, Policy: l.cfg.Policy, NoLedger: l.cfg.Storage.NoLedger, Store: l.store, Loop: l.loop, Clock: l.clock,
		NameOf: l.nameOf, OutOfReach: l.outOfReach, Unreplicated: l.unreplicated, Trouble: l.disk.Trouble, Do: engine{l}.Do,
	})
	cfg := l.respConfig()
	cfg.Commands = command.Table(command.Options{Extra: l.extra()})
	cfg.Loading = l.blockers.Loading
	cfg.Served = l.served()
	cfg.Clock = func() time.Time { return l.clock.Now().Wall.Midpoint().Time() }
	cfg.PickSiblings, cfg.Feeds = l.cfg.Policy.Picks, l.lossFeed.Channels()
	cfg.Publish = l.outbox.Publish
	if l.resp, err = server.New(cfg, engine{l}, l.loop, inspector{l}); err == nil {
		l.clients.Store(l.resp)
	}
	return err
}

// serve answers people and clients, whose connections waited until now.
func (l *Leader) serve(context.Context) error {
	if l.empty {
		l.join()
	}
	l.collect()
	l.serving.Go(l.repairs.Run)
	if l.folded {
		l.serving.Go(func() { l.repairs.Agree(l.others) })
	}
	l.serving.Go(l.returning.Run)
	l.catchUp()
	l.serving.Go(func() { l.fail(l.console.Serve()) })
	l.serving.Go(func() { l.fail(l.resp.Serve(context.Background(), l.listeners.resp)) })
	return nil
}

// learn takes in who is there: which leaders to dial now, and to ask at the next start.
// A leader that the cluster refuses stops.
func (l *Leader) learn(v member.View) {
	l.spreadForgotten(v)
	v = l.withoutForgotten(v)
	if refused, ok := errors.AsType[*member.Refused](v.Trouble); ok && refused.What != "name" { // a name is free again when its last holder is given up
		l.fail(refused)
	}
	if v.Rival != nil {
		l.meetRival(v.Rival)
	}
	others := map[replica.Leader]string{}
	for _, m := range v.Members {
		if m.Name != l.cfg.Name && m.PeerAddr != "" && m.Status != member.Left {
			others[replica.Leader(m.Name)] = m.PeerAddr
		}
	}
	if l.returning.Away() {
		clear(others)
	}
	l.mesh.SetPeers(others)
	if l.origins.LearnView(v) {
		l.keepNames()
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.known.Learn(l.cfg.Name, v) {
		if err := l.known.Write(l.sideDir()); err != nil {
			l.cfg.Logger.Warn("members are not remembered", "leader", l.cfg.Name, "why", err.Error())
		}
	}
	l.loop.Notify(replica.Members{Count: l.count(l.withoutForgotten(l.known.With(v)))}) // of whom a majority judges clocks
}

// fail says why the leader cannot go on; only the first reason counts.
func (l *Leader) fail(err error) {
	if err == nil {
		return
	}
	select {
	case l.broken <- err:
	default:
	}
}

// Broken gives the reason, once, when the leader cannot go on by itself.
func (l *Leader) Broken() <-chan error { return l.broken }

// Addrs is what others are told.
func (l *Leader) Addrs() Addrs { return l.addrs }

// Name is the leader's.
func (l *Leader) Name() string { return l.cfg.Name }

// Origin is what it accepts writes under, and whether it was resumed from before the start.
func (l *Leader) Origin() (origin logical.Origin, resumed bool) { return l.origin, l.resumed }

// Serving reports whether clients are served; if not, /health/ready says why.
func (l *Leader) Serving() bool { return l.blockers.Serving() }

// Met is how many others are alive as gossip sees it.
func (l *Leader) Met() int {
	n := 0
	for _, m := range l.members.View().Members {
		if m.Name != l.cfg.Name && m.Status == member.Alive {
			n++
		}
	}
	return n
}

// Expel closes the connections of users that are no longer admitted, and returns how
// many those were.
func (l *Leader) Expel() int { return l.resp.Expel() }
