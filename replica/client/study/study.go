package study

import (
	"cmp"
	"context"
	"errors"
	"io"
	"iter"
	"runtime/debug"
	"time"

	"kvd/logical"
	"kvd/replica/client"
	"kvd/resolve"
	"kvd/resolve/replay"
	"kvd/storage/codec"
	"kvd/storage/history"
	"kvd/wallclock"
)

// Ask is what somebody wants to know.
type Ask struct {
	Prefix      string
	Resolvers   resolve.Mask
	Curve       replay.Curve // Draws zero: none
	Differences int          // listed, of each resolver
	Memory      int64        // bytes
}

// MinMemory is what the program itself takes.
const MinMemory = 32 << 20

// Report is what was found, of what.
type Report struct {
	replay.Findings
	Ask     Ask
	Subject Subject
	Took    time.Duration
	Read    int // ops, in all passes
}

// Outcome is what one resolver would have made of the history.
type Outcome = replay.Outcome

// Caveat is what no report is an answer to.
const Caveat = replay.Caveat

// Resolvers is every resolver by name.
func Resolvers() []string { return resolve.All.Names() }

// Add lets one more resolver judge, by its name.
func (a *Ask) Add(name string) error {
	id, err := resolve.ParseID(name)
	if err == nil {
		a.Resolvers |= id.Mask()
	}
	return err
}

// AddAll lets all of them judge.
func (a *Ask) AddAll() { a.Resolvers = resolve.All }

// Prefix is what all keys begin with that were judged.
func (r *Report) Prefix() string {
	if len(r.Ask.Prefix) > len(r.Subject.Prefix) {
		return r.Ask.Prefix
	}
	return r.Subject.Prefix
}

// GoesByTotals reports whether the evidence that a resolver needs is running totals,
// rather than which other values its leader held: leaders leave it out when nobody on
// their panel asks for it.
func GoesByTotals(o *Outcome) bool { return o.Resolver == resolve.Counter }

// Subject is the history that is asked about.
type Subject struct {
	replay.Source
	Policy  resolve.Policy
	Cluster string // empty: not known
	Leader  string // whose log it is; empty: not known
	At      wallclock.Instant
	Prefix  string // of all its keys
	UpTo    logical.Frontier
	Ops     int    // at most; zero: that is not known
	Missing string // what is wrong with it; empty: nothing
}

// Study goes through the history. It ends early with the context. Progress is
// told now and then which pass it is in, and how many ops of it were read; nil:
// nobody.
func (a Ask) Study(ctx context.Context, s Subject, progress func(pass, ops int)) (*Report, error) {
	// The limit is of all memory; what is held leaves room for garbage.
	before := debug.SetMemoryLimit(a.Memory)
	defer debug.SetMemoryLimit(before)
	w := &watched{Source: s.Source, ctx: ctx, progress: progress}
	study := replay.Study{
		Config: replay.Config{Policy: s.Policy, Resolvers: a.Resolvers, Now: s.At, Differences: a.Differences, Size: size()},
		Curve:  a.Curve, Ops: s.Ops, Memory: (a.Memory - base) / 3 * 2,
	}
	began := time.Now()
	found, err := study.Run(w)
	if err != nil {
		return nil, err
	}
	return &Report{Findings: *found, Ask: a, Subject: s, Took: time.Since(began), Read: w.all}, nil
}

// base is what the program takes beside the study.
const base = 24 << 20

// size is what an object takes in a store, without its key and values.
func size() func(*resolve.Object) int {
	var scratch []byte
	return func(o *resolve.Object) int {
		scratch = codec.AppendObject(scratch[:0], o)
		n := len(scratch) - len(o.Key)
		for i := range o.Versions {
			n -= len(o.Versions[i].Value)
		}
		return n
	}
}

// watched is a source that ends with a context and tells how far it is.
type watched struct {
	replay.Source
	ctx       context.Context
	progress  func(pass, ops int)
	pass, all int
}

const tellEvery = 1 << 14

func (w *watched) All() iter.Seq[*resolve.Op] {
	return func(yield func(*resolve.Op) bool) {
		w.pass++
		n := 0
		for op := range w.Source.All() {
			if n++; n%tellEvery == 1 {
				if w.ctx.Err() != nil {
					return
				}
				if w.progress != nil {
					w.progress(w.pass, n)
				}
			}
			w.all++
			if !yield(op) {
				return
			}
		}
	}
}

// Err is the context's before the source's, which fails because of it.
func (w *watched) Err() error { return cmp.Or(w.ctx.Err(), w.Source.Err()) }

// Past is one leader's history as it stood at a moment, read from its log over the
// network.
type Past struct {
	Subject
	ctx     context.Context // ends with close
	cancel  context.CancelFunc
	log     *remote
	names   []history.Name // whose the origins are that members live under now
	Unnamed error          // why whose the origins are is not known; nil: it is
}

// Close ends what is read of it, and waits for that.
func (p *Past) Close() {
	p.cancel()
	p.log.close()
}

// By is the leader whose log it is.
func (p *Past) By() *client.Leader { return p.log.leader }

// Of asks the leader for its frontier and its policy. Nothing of the log is read
// yet. The caller closes it. The error is a *client.Refusal.
func Of(ctx context.Context, l *client.Leader, prefix string) (*Past, error) {
	upTo, err := l.Frontier(ctx)
	if err != nil {
		return nil, err
	}
	policy, err := l.Policy(ctx)
	if err != nil {
		return nil, err
	}
	p := &Past{Subject: Subject{Policy: policy, Leader: l.Name, At: wallclock.Instant(time.Now().UnixNano()), Prefix: prefix, UpTo: upTo}}
	p.ctx, p.cancel = context.WithCancel(ctx)
	p.log = newRemote(p.ctx, l, prefix, upTo)
	p.Source = replay.Merge(p.log, upTo, prefix)
	if prefix == "" { // how many of them have it is not known
		p.Ops = opsOf(upTo)
	}
	p.name(l)
	return p, nil
}

// name learns who there is, which is good to know and not needed.
func (p *Past) name(l *client.Leader) {
	all, err := l.Members(p.ctx)
	p.Unnamed = err
	for _, m := range all {
		if m.RESP == l.Addr {
			p.Leader = m.Name
		}
		if d, err := logical.ParseDot(m.Origin + "-1"); err == nil && m.Name != "" {
			p.names = append(p.names, history.Name{Origin: d.Origin, Leader: m.Name})
		}
	}
}

// opsOf is how many ops a frontier covers.
func opsOf(f logical.Frontier) int {
	n := 0
	for d := range f.All() {
		n += int(d.Seq)
	}
	return n
}

// Context ends when the past is closed.
func (p *Past) Context() context.Context { return p.ctx }

// Target is where a history is written: a file that appears when it is whole, or else a
// stream.
type Target struct {
	Path   string
	Force  bool      // replace a file that is there
	Stream io.Writer // nil: a file
}

// Saved is how much was written.
type Saved struct {
	Ops   int
	Bytes int64
}

// tellSaved is after how many ops it is told how far writing is.
const tellSaved = 1 << 14

// Save writes all ops, or leaves no file behind. Told hears now and then how far it is.
func (p *Past) Save(to Target, told func(ops int)) (Saved, error) {
	w, err := to.create(p.header())
	if err != nil {
		return Saved{}, err
	}
	for op := range p.All() {
		if err = errors.Join(p.ctx.Err(), w.Put(op)); err != nil {
			break
		}
		if w.Ops()%tellSaved == 1 {
			told(w.Ops())
		}
	}
	if err = errors.Join(err, p.Err()); err != nil {
		return Saved{}, errors.Join(err, w.Abort())
	}
	err = w.Finish()
	return Saved{w.Ops(), w.Bytes()}, err
}

func (to Target) create(h history.Header) (*history.Writer, error) {
	if to.Stream != nil {
		return history.Stream(to.Stream, h)
	}
	return history.Create(history.Options{Path: to.Path, Force: to.Force}, h)
}

// header is what a file says of the history.
func (p *Past) header() history.Header {
	return history.Header{Leader: p.Leader, At: p.At, Prefix: p.Prefix, Policy: p.Policy, UpTo: p.UpTo, Names: p.names}
}
