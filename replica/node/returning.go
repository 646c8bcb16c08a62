package node

import (
	"context"
	"errors"
	"fmt"
	"time"

	"kvd/replica"
	"kvd/replica/console"
	"kvd/replica/member"
	"kvd/replica/node/internal/fields"
	"kvd/replica/node/internal/returning"
	"kvd/replica/resp"
)

// beginReturn is the leader's way back, should the others have forgotten it.
func (l *Leader) beginReturn() *returning.Return {
	return returning.New(returning.Config{
		Name: l.cfg.Name, Cluster: l.cfg.Cluster, Dir: l.sideDir(), Renewable: l.cfg.Renewable,
		Store: l.store, Loop: l.loop, Logger: l.cfg.Logger, Fetch: l.cfg.statusPage().Fetch,
		Members: func() member.View { return l.members.View() }, Forgotten: l.forgotten.Has,
		Relink: l.relink, Admit: func(at int64) error { return l.members.Begun(at) },
		Again: func() { l.fail(ErrRenew) },
	}, l.returned)
}

// lookReturn finds out whether the leader is forgotten.
func (l *Leader) lookReturn() {
	if !l.leaving.Load() {
		l.returning.Look()
	}
}

// refuses is why there are no links with another leader; empty: there are.
func (l *Leader) refuses(name replica.Leader) string {
	g, _ := l.forgotten.Said(string(name))
	if g.At == 0 || g.Lifted {
		return ""
	}
	return fmt.Sprintf("%s was forgotten on %s, as %s was asked to, and is let in again when it has begun anew: kv status -n %s says how far that is", name, time.Unix(0, g.At).UTC().Format(time.RFC3339), g.By, name)
}

// forgettings is what was said of others, for the status.
func (l *Leader) forgettings() (all []console.Forgotten) {
	v := l.members.View()
	for _, g := range l.forgotten.List() {
		m, seen := v.Find(g.Name)
		all = append(all, console.Forgotten{Name: g.Name, At: time.Unix(0, g.At).UTC(), By: g.By, Lifted: g.Lifted, Present: !g.Lifted && seen && m.Status == member.Alive})
	}
	return all
}

// beginAnew is KVD.RETURN: a leader that was forgotten, and whose writes that nobody else has
// are exported, ends and begins again without data.
func (l *Leader) beginAnew(_ context.Context, _ [][]byte, w *resp.Writer) error {
	s, err := l.returning.Order()
	switch {
	case errors.Is(err, returning.ErrNotForgotten):
		return resp.Refuse("NOTFORGOTTEN", "%s is not forgotten, as far as it knows: the others say who is, with KVD.FORGOTTEN", l.cfg.Name)
	case errors.Is(err, returning.ErrNotYet):
		return resp.Refuse("NOTYET", "%v", err)
	case err != nil:
		return err
	}
	w.Map(4)
	fields.Text(w, "leader", l.cfg.Name)
	fields.Text(w, "file", s.File)
	fields.Number(w, "writes", int64(s.Writes))
	fields.Flag(w, "again", l.cfg.Renewable) // else somebody has to stop it and start it again
	if l.cfg.Renewable {
		go l.fail(ErrRenew)
	}
	return nil
}
