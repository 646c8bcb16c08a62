package node

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"kvd/replica"
	"kvd/replica/node/internal/fields"
	"kvd/replica/node/internal/options"
	"kvd/replica/node/internal/returning"
	"kvd/replica/node/internal/sidefile"
	"kvd/replica/resp"
)

// The way of a leader out of its cluster: KVD.DRAIN, asked again until it is safe to
// stop, then KVD.LEAVE.

// Drained is why a leader takes no writes that was told to drain.
const Drained replica.Cause = "drained"

// ErrLeave is given by Broken when a leader was asked to leave its cluster for good:
// whoever runs it stops it in order, and does not start it again.
var ErrLeave = errors.New("it was asked to leave its cluster for good")

// drain is KVD.DRAIN: the leader takes no writes from clients from now on, and answers
// how many of its own no other leader is known to have. It is asked again until there is
// none. LIFT lets it take writes again, as a restart does.
func (l *Leader) drain(_ context.Context, args [][]byte, w *resp.Writer) error {
	o, err := options.Read(args[1:], options.Option{Name: "LIFT"})
	if err != nil {
		return err
	}
	if o.Has("LIFT") {
		l.loop.AllowWrites(Drained)
	} else {
		l.loop.RefuseWrites(replica.Refusal{Cause: Drained, Detail: l.cfg.Name + " was told to drain before it is stopped: write at another leader; KVD.DRAIN LIFT takes that back"})
	}
	drained := l.drained() // before what is unshared: nothing is accepted in between
	unshared := l.unshared()
	w.Map(5)
	fields.Text(w, "leader", l.cfg.Name)
	fields.Flag(w, "drained", drained)
	fields.Number(w, "unshared_ops", int64(unshared))
	fields.Flag(w, "alone", l.onlyOne())
	fields.Flag(w, "safe", drained && unshared == 0)
	return nil
}

// drained reports whether writes are refused, durably so, because of KVD.DRAIN.
func (l *Leader) drained() bool {
	return slices.ContainsFunc(l.loop.Status().Refusals, func(r replica.Refusal) bool { return r.Cause == Drained })
}

// leave is KVD.LEAVE: a leader that has nothing alone tells the others that it is gone for
// good, remembers that in its data directory, and ends.
func (l *Leader) leave(_ context.Context, _ [][]byte, w *resp.Writer) error {
	switch n := l.unshared(); {
	case !l.drained():
		return resp.Refuse("NOTDRAINED", "%s takes writes, which would end with it; KVD.DRAIN first", l.cfg.Name)
	case l.onlyOne():
		return resp.Refuse("ALONE", "%s is the only leader there is, and all data is gone with it; stop it instead", l.cfg.Name)
	case n > 0:
		return resp.Refuse("NOTDRAINED", "no other leader is known to have %d of the writes that %s acknowledged; KVD.DRAIN again when one can be reached", n, l.cfg.Name)
	}
	if err := sidefile.WriteLines(l.sideDir(), leftFile, "that the leader has left", leftMark{l.cfg.Cluster, time.Now().UTC()}); err != nil {
		return err
	}
	l.leaving.Store(true)
	if err := l.members.Spread(l.forgotten.Say(l.cfg.Name, l.cfg.Name, false)); err != nil {
		l.cfg.Logger.Warn("the others could not be told by gossip that the leader leaves for good", "leader", l.cfg.Name, "why", err.Error())
	}
	w.Map(1)
	fields.Text(w, "leader", l.cfg.Name)
	go l.fail(ErrLeave)
	return nil
}

// leftFile says in the data directory that its leader has left its cluster.
const leftFile = "left.json"

type leftMark struct {
	Cluster string    `json:"cluster"`
	At      time.Time `json:"at"`
}

// mayStart refuses the data of a leader that has left: the others count on it no more,
// and what they have removed since must not come back from it. Data of a leader that was
// forgotten is put aside, if that was ordered.
func (l *Leader) mayStart(context.Context) error {
	l.returned = &returning.State{}
	if !l.onDisk() {
		return nil
	}
	var m leftMark
	left, err := sidefile.Read(l.cfg.Dir, leftFile, &m)
	if err == nil && !left {
		l.returned, err = returning.Begin(l.cfg.Dir, l.cfg.Logger.With("leader", l.cfg.Name))
	}
	if err != nil || !left {
		return err
	}
	return fmt.Errorf("the leader of the data directory %s left cluster %q for good on %s, when the others had all that it had; remove it, or start with another data directory, to join anew",
		l.cfg.Dir, m.Cluster, m.At.Format(time.RFC3339))
}

// reload is KVD.RELOAD: what a SIGHUP reads again.
func (l *Leader) reload(_ context.Context, _ [][]byte, w *resp.Writer) error {
	if l.cfg.Reload == nil {
		return fmt.Errorf("%s was started without a configuration that could be read again; kvd serve reads one, kvd dev has none", l.cfg.Name)
	}
	r, err := l.cfg.Reload()
	if err != nil {
		return fmt.Errorf("the configuration is refused, and what was read before stays: %w", err)
	}
	w.Map(3)
	fields.Text(w, "leader", l.cfg.Name)
	fields.List(w, "read", r.Read, w.Text)
	fields.List(w, "waiting", r.Waiting, w.Text)
	return nil
}

// Reloaded is what became of a configuration that was read again.
type Reloaded struct {
	Read    []string // what counts from now on: users, certificates and so on
	Waiting []string // settings that have changed and count from the next start on
}
