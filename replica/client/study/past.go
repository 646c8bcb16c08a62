package study

import (
	"context"
	"errors"
	"io"
	"time"

	"kvd/logical"
	"kvd/replica/client"
	"kvd/resolve/replay"
	"kvd/storage/history"
	"kvd/wallclock"
)

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
