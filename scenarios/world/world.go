package world

import (
	"fmt"
	"math/rand/v2"
	"time"

	"kvd/logical"
	"kvd/replica"
	"kvd/replica/host"
	"kvd/replica/lease"
	"kvd/resolve"
	"kvd/scenarios/history"
	"kvd/scenarios/merge"
	"kvd/scenarios/script"
	"kvd/scenarios/trace"
	"kvd/storage"
	"kvd/storage/losses"
	"kvd/wallclock"
)

// zero is true time zero of every scenario: 2026-01-01 00:00 UTC. Only
// differences matter.
const zero = wallclock.Instant(1767225600 * int64(time.Second))

// Config is what a run depends on, in addition to the script.
type Config struct {
	Policy resolve.Policy // who serves and who shadows
	Seed   uint64
	// Core changes the leaders' settings; nil leaves the defaults.
	Core func(*replica.Config)
	// Store changes how the leaders' stores are opened, which none of them may show; nil
	// leaves it to chance how many bytes of objects wait in memory.
	Store func(*storage.Options)
	// Ledger bounds every leader's ledger; the zero Retention leaves the default.
	// One that has evicted holds fewer rows than the oracle.
	Ledger losses.Retention
	// Tamper plants a bug in every leader, for tests of the checkers.
	Tamper host.Tamper
	// Carry passes every message between leaders, as encoding and decoding
	// would; nil hands messages over as they are.
	Carry func(replica.Message) (replica.Message, error)
	// Outside says of a leader that it does not count when others find out what everybody
	// has, for tests of what depends on that; nil: all count.
	Outside func(leader string) bool
	// Along is called now and then while the run is played, with how far it is, when it will
	// end as far as is known by then, and how many events there are; nil: nobody is told.
	Along func(at, end time.Duration, events int)
	// Mend puts something right in the middle of the run; the zero Mend does not.
	Mend Mend
	// Awake simulates every heartbeat of idle time too, to see that they change
	// nothing.
	Awake bool
}

// World is one run. Make it with New and use it once.
type World struct {
	agenda
	cfg    Config
	script *script.Scenario

	names     []string // leaders in the script's order
	leaders   map[string]*leader
	clients   map[string]*client
	links     map[path]*link
	backups   map[string]*disk
	forgotten map[string]bool // leaders that the others count on no more
	issuer    *issuer
	origins   *rand.Rand
	waiting   map[uint64]attempt
	attempts  uint64

	ops      map[logical.Dot]*resolve.Op // those released that one leader alone is known to have
	known    map[logical.Dot]knownOp     // every op any leader has released
	requests map[merge.Request]issued
	sent     map[path]*shipments
	triggers map[string][]trigger     // by label
	expiring map[string]time.Duration // keys of which anything ever had a deadline, and the first one
	unnamed  int                      // operations without a label
	last     time.Duration            // true time of the last scripted action, or of a client's last step
	peers    []replica.PeerView       // scratch
	lastNews time.Duration            // true time of the last thing that leaders may have to tell each other
	mended   Repairs                  // so far
	err      error

	// What is left of the run; read it after Run.
	Trace   *trace.Trace
	History *history.History
	Fired   Fired         // what the run came upon
	Clocks  []ClockChange // in order; a leader that is not named has a perfect clock
	// Values is what every running leader shows of every key: several texts are siblings,
	// none is absent.
	Values  map[string]map[string][]string
	Refused bool // a drift guard held back a stamp: a hybrid clock may then be behind what it has seen
}

// ClockChange is a leader's wall clock beginning to depart from true time in another way.
// Before its first one a leader has a perfect clock.
type ClockChange struct {
	At     time.Duration // true time since the scenario's zero; changes before it are at zero
	Leader string
	Clock  wallclock.Skewed
}

// Instant is the calendar instant of a true time since the scenario's zero, for reading
// the clock of a [ClockChange].
func Instant(at time.Duration) wallclock.Instant { return zero.Add(at) }

type attempt struct {
	client *client
	op     *operation
}

type issued struct {
	label  string
	id     string // for the oracle
	kind   merge.Kind
	amount int64
}

type knownOp struct {
	label   string // "": nobody asked for it
	request merge.Request
	over    []logical.Dot // its parents; the op's
	kind    resolve.Kind
}

type trigger struct {
	seenBy string // "": acknowledged
	do     func()
}

// New sets up the cluster as the script says, before true time zero.
func New(s *script.Scenario, cfg Config) (*World, error) {
	w := &World{
		cfg: cfg, script: s, names: s.Leaders,
		leaders: map[string]*leader{}, clients: map[string]*client{}, links: map[path]*link{},
		backups: map[string]*disk{}, waiting: map[uint64]attempt{},
		forgotten: map[string]bool{}, expiring: map[string]time.Duration{},
		ops: map[logical.Dot]*resolve.Op{}, known: map[logical.Dot]knownOp{},
		requests: map[merge.Request]issued{}, sent: map[path]*shipments{}, triggers: map[string][]trigger{},
		Trace: &trace.Trace{}, History: history.New(), Fired: Fired{}, Values: map[string]map[string][]string{},
	}
	w.origins = w.chance("origins")
	for i, c := range s.Clients {
		w.clients[c.Name] = &client{w: w, name: c.Name, id: uint64(i + 1), at: c.At, spec: c, locks: map[string]lease.Token{}}
	}
	w.issuer = newIssuer(w)
	for _, n := range w.names {
		w.leaders[n] = &leader{w: w, name: n, disk: newDisk(fragile(s), w.chance("disk "+n)), waits: w.chance("objects of " + n), clock: wallclock.NewSkewed(wallclock.Faults{}, zero)}
	}
	for _, u := range s.Setup {
		w.act(u.Action)
	}
	for _, n := range w.names {
		if err := w.leaders[n].start(); err != nil {
			w.Close()
			return nil, err
		}
	}
	for i := range s.Events {
		w.arm(&s.Events[i])
	}
	w.mendAt(cfg.Mend)
	return w, nil
}

// Close frees what the run holds.
func (w *World) Close() {
	for _, l := range w.leaders {
		if l.store != nil {
			l.store.Close()
			l.store = nil
		}
	}
}

// alongEvery is after how many steps it is told again how far the run is.
const alongEvery = 4096

// Run plays the script to its end: until nothing scripted has happened, and no
// client has got anywhere, for the settling time, with all faults as they are.
// What is caused late, by a trigger or a client's backlog, settles as long.
func (w *World) Run() error {
	for n := 0; w.err == nil && w.next(w.last+w.script.Settle); n++ {
		if w.cfg.Along != nil && n%alongEvery == 0 {
			w.cfg.Along(w.now, w.last+w.script.Settle, w.Trace.Len())
		}
	}
	w.now = w.last + w.script.Settle
	if w.err == nil {
		w.final()
	}
	return w.err
}

// instant is true time as a calendar instant.
func (w *World) instant() wallclock.Instant { return zero.Add(w.now) }

// fail ends the run: something impossible happened.
func (w *World) fail(err error) {
	if w.err == nil {
		w.err = err
	}
}

func (w *World) config(name string) replica.Config {
	c := replica.Defaults()
	c.Name, c.Policy = replica.Leader(name), w.cfg.Policy
	for _, n := range w.names {
		if n != name {
			c.Peers = append(c.Peers, replica.Leader(n))
		}
	}
	if w.cfg.Core != nil {
		w.cfg.Core(&c)
	}
	return c
}

// carry passes a message as the wire would.
func (w *World) carry(m replica.Message) replica.Message {
	if w.cfg.Carry == nil {
		return m
	}
	out, err := w.cfg.Carry(m)
	if err != nil {
		w.fail(fmt.Errorf("carry message: %w", err))
		return m
	}
	return out
}

func (w *World) isClient(name string) bool { return w.clients[name] != nil }

// Now is true time since the scenario's zero.
func (w *World) Now() time.Duration { return w.now }

// Attempts is how many requests clients sent.
func (w *World) Attempts() int { return int(w.attempts) }

// Op is the op behind a dot, as the script's first running leader that has it holds
// it; nil if none has it any more. It is shared.
func (w *World) Op(d logical.Dot) *resolve.Op {
	if op := w.ops[d]; op != nil {
		return op
	}
	for _, n := range w.names {
		if l := w.leaders[n]; l.pump != nil && l.pump.State().Frontier.Covers(d) {
			if op, ok := l.pump.Reader().Op(d); ok {
				return op
			}
		}
	}
	return nil
}

// Node is what a running leader holds after a run, for comparing the servers'
// own account with the oracle's.
type Node struct {
	Name     string
	Frontier string // rendered
	Digest   uint64 // of all objects: equal states have equal digests
	Losses   []resolve.Loss
	Ledger   losses.Stats // what became of all it ever inserted
	Unsound  error        // why rows, index and counts of the ledger do not agree; nil: they do
	Objects  int
	Metadata int64 // bytes stored beyond keys and values
	LogBytes int64 // of its log
}

// Nodes inspects every leader that runs, in the script's order.
func (w *World) Nodes() ([]Node, error) {
	var nodes []Node
	for _, n := range w.names {
		if w.leaders[n].pump == nil || w.leaders[n].halted != nil {
			continue
		}
		node, err := w.leaders[n].inspect()
		if err != nil {
			return nil, err
		}
		nodes = append(nodes, node)
	}
	return nodes, nil
}

func (l *leader) inspect() (Node, error) {
	n := Node{Name: l.name, Frontier: l.pump.State().Frontier.String(), LogBytes: l.store.Log().Size()}
	var err error
	if n.Digest, err = l.store.Digest(); err != nil {
		return n, err
	}
	if n.Objects, n.Metadata, err = l.store.MetadataBytes(); err != nil {
		return n, err
	}
	if n.Ledger, err = l.store.LedgerStats(); err != nil {
		return n, err
	}
	n.Unsound = l.store.CheckLedger()
	err = l.store.Losses(func(loss resolve.Loss) bool {
		n.Losses = append(n.Losses, loss)
		return true
	})
	return n, err
}
