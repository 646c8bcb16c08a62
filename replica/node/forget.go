package node

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"kvd/logical"
	"kvd/replica"
	"kvd/replica/acl"
	"kvd/replica/command"
	"kvd/replica/console"
	"kvd/replica/member"
	"kvd/replica/node/internal/backups"
	"kvd/replica/node/internal/fields"
	"kvd/replica/node/internal/options"
	"kvd/replica/resp"
)

// learnForgotten takes over what was said here or elsewhere.
func (l *Leader) learnForgotten(g member.Forgetting) error {
	if g.Name == l.cfg.Name {
		l.lookReturn()
		return nil
	}
	if !l.forgotten.Learn(g) {
		return nil
	}
	l.cfg.Logger.Warn("another leader is forgotten, or known again", "leader", l.cfg.Name, "other", g.Name, "forgotten", !g.Lifted)
	return errors.Join(l.forgotten.Write(l.sideDir()), l.dropKnown(g))
}

// dropKnown takes a leader that is forgotten off the list of those to be asked at the next
// start.
func (l *Leader) dropKnown(g member.Forgetting) error {
	if g.Lifted {
		return nil
	}
	if l.members != nil {
		l.members.Drop(g.Name)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if _, known := l.known[g.Name]; !known {
		return nil
	}
	delete(l.known, g.Name)
	return l.known.Write(l.sideDir())
}

// hearForgotten is told by gossip.
func (l *Leader) hearForgotten(g member.Forgetting) {
	l.noteForgotten(g)
	l.relink()
}

func (l *Leader) noteForgotten(g member.Forgetting) {
	if err := l.learnForgotten(g); err != nil {
		l.cfg.Logger.Warn("who is forgotten is not remembered", "leader", l.cfg.Name, "why", err.Error())
	}
}

// relink has links with those with whom there are to be links now.
func (l *Leader) relink() {
	if l.members != nil {
		l.learn(l.members.View())
	}
}

// spreadForgotten takes back that leaders are forgotten which have begun anew, and tells
// leaders that have come which are forgotten.
func (l *Leader) spreadForgotten(v member.View) {
	returned, news := l.forgotten.Observe(v)
	for _, name := range returned {
		l.noteForgotten(l.forgotten.Say(name, l.cfg.Name, true))
	}
	if !news && len(returned) == 0 || l.members == nil {
		return
	}
	for _, g := range l.forgotten.List() {
		if err := l.members.Spread(g); err != nil {
			l.cfg.Logger.Warn("who is forgotten cannot be said", "leader", l.cfg.Name, "why", err.Error())
		}
	}
}

// forget is KVD.FORGET: all leaders neither wait for dead leaders nor list them, until
// they return.
func (l *Leader) forget(_ context.Context, args [][]byte, w *resp.Writer) error {
	o, err := options.Read(args[2:], options.Option{Name: "LIFT"}, options.Option{Name: "WITH", Values: 1, Many: true})
	if err != nil {
		return err
	}
	lift, names := o.Has("LIFT"), append([]string{string(args[1])}, o["WITH"]...)
	for _, name := range names {
		if err := l.mayForget(name, lift); err != nil {
			return err
		}
	}
	if missing := l.silent(names); !lift && missing != nil {
		return resp.Refuse("NOQUORUM", "of the members that stay %s is heard by no majority: %s must be there, or be forgotten as well", l.cfg.Name, strings.Join(missing, ", "))
	}
	for _, name := range names {
		if err := l.forgetOne(name, lift); err != nil {
			return err
		}
	}
	l.relink()
	w.Map(3)
	fields.Text(w, "leader", l.cfg.Name)
	fields.Text(w, "node", strings.Join(names, " "))
	fields.Flag(w, "forgotten", !lift)
	return nil
}

// silent is who of the members that stay, if these go, has said nothing since this leader
// started or is not there; nil: those that were heard of, this one among them, are a majority.
// A leader that is cut off with a minority decides nothing for the others.
func (l *Leader) silent(going []string) (missing []string) {
	heard := map[string]bool{l.cfg.Name: true}
	for _, p := range l.loop.Status().Peers {
		heard[string(p.Peer)] = p.Origin != 0 && l.reached(string(p.Peer))
	}
	stay := 0
	for _, m := range l.roster().Members {
		if slices.Contains(going, m.Name) {
			continue
		}
		if stay++; !heard[m.Name] {
			missing = append(missing, m.Name)
		}
	}
	if 2*(stay-len(missing)) > stay {
		return nil
	}
	return missing
}

// forgetOne remembers it, and tells the others.
func (l *Leader) forgetOne(name string, lift bool) error {
	g := l.forgotten.Say(name, l.cfg.Name, lift)
	if l.forgotten.Has(name) == lift { // else it is so already
		if err := l.learnForgotten(g); err != nil {
			return err
		}
	}
	if known, ok := l.forgotten.Said(name); ok {
		g = known
	}
	if err := l.members.Spread(g); err != nil {
		return fmt.Errorf("the other leaders could not be told: %w; ask again", err)
	}
	if m, seen := l.members.View().Find(name); seen && !lift && m.Status != member.Alive {
		return l.members.Forget(name)
	}
	return nil
}

// mayForget refuses a name that was never known, and a leader that is alive, which
// would be known again at once.
func (l *Leader) mayForget(name string, lift bool) error {
	m, seen := l.members.View().Find(name)
	_, said := l.forgotten.Said(name)
	switch {
	case name == l.cfg.Name:
		return fmt.Errorf("%s is this leader itself; ask another one", name)
	case lift && !said:
		return resp.Refuse("UNKNOWN", "%.64q is not forgotten here; KVD.FORGOTTEN lists who is", name)
	case !lift && !l.forgotten.Has(name) && seen && (m.Status == member.Alive || m.Status == member.Leaving):
		return resp.Refuse("ALIVE", "%s is %s as %s sees it; stop it first, and one that has only just ended is seen to be gone in some seconds", name, m.Status, l.cfg.Name)
	case !lift && !seen && !said && !l.everKnown(name):
		return resp.Refuse("UNKNOWN", "no leader of the name %.64q was ever met here; KVD.MEMBERS lists who was", name)
	}
	return nil
}

// everKnown reports whether a leader of that name was known to this incarnation or a
// former one.
func (l *Leader) everKnown(name string) bool {
	l.mu.Lock()
	_, known := l.known[name]
	l.mu.Unlock()
	return known || slices.ContainsFunc(l.loop.Status().Peers, func(p replica.PeerView) bool { return string(p.Peer) == name })
}

// tellForgotten is KVD.FORGOTTEN.
func (l *Leader) tellForgotten(_ context.Context, _ [][]byte, w *resp.Writer) error {
	all := slices.DeleteFunc(l.forgotten.List(), func(g member.Forgetting) bool { return g.Lifted })
	w.Array(len(all))
	for _, g := range all {
		w.Map(2)
		fields.Text(w, "name", g.Name)
		fields.Number(w, "since", g.At)
	}
	return nil
}

// withoutForgotten is a view without those that are forgotten, and not let in either.
func (l *Leader) withoutForgotten(v member.View) member.View {
	v.Members = slices.DeleteFunc(slices.Clone(v.Members), func(m member.Member) bool { return l.forgotten.Has(m.Name) })
	return v
}

// roster is all members that are not forgotten: those that gossip knows, and those that
// were known before this start and have not been met since.
func (l *Leader) roster() member.View {
	l.mu.Lock()
	v := l.known.With(l.members.View())
	l.mu.Unlock()
	return l.withoutForgotten(v)
}

// extra is the commands that need more than one part of the leader.
func (l *Leader) extra() map[string]command.Extra {
	all := l.answers.Commands()
	maps.Copy(all, l.locks.Load().Commands())
	maps.Copy(all, map[string]command.Extra{
		"kvd.members":   {Arity: 1, Needs: acl.Anyone, Loading: true, Run: l.tellMembers, Summary: "Answers the leaders that there are or were, and are not forgotten."},
		"kvd.status":    {Arity: 1, Needs: acl.Anyone, Loading: true, Run: l.tellStatus, Summary: "Answers what the leader says of itself and its peers, as its page /status does: one JSON object."},
		"kvd.forget":    {Arity: -2, Needs: acl.Admin, Loading: true, Run: l.forget, Summary: "Lets all leaders wait for a dead one no more, and list it no more, until it returns; WITH names others that are dead too, LIFT takes that back."},
		"kvd.return":    {Arity: 1, Needs: acl.Admin, Loading: true, Run: l.beginAnew, Summary: "Lets a leader that was forgotten begin anew, without data, once what it alone had is exported."},
		"kvd.forgotten": {Arity: 1, Needs: acl.Anyone, Loading: true, Run: l.tellForgotten, Summary: "Answers which leaders are forgotten."},
		"kvd.drain":     {Arity: -1, Needs: acl.Admin, Loading: true, Run: l.drain, Summary: "Takes no more writes, and answers whether others have all that was acknowledged here; LIFT takes that back."},
		"kvd.leave":     {Arity: 1, Needs: acl.Admin, Loading: true, Run: l.leave, Summary: "Ends a drained leader, which the others list and wait for no more."},
		"kvd.reload":    {Arity: 1, Needs: acl.Admin, Loading: true, Run: l.reload, Summary: "Reads users, certificates and the log level again, as SIGHUP does."},
		"kvd.backup":    {Arity: -2, Needs: acl.Read | acl.Admin, Holds: backups.ReadBytes, Run: l.backups.Run, Summary: "Lends the files of the store, as they are at one moment, to a client that takes a backup."},
		"kvd.repair":    {Arity: -2, Needs: acl.Read | acl.Admin, Run: l.repairs.Tell, Summary: "Compares what this leader holds with another, a range at a time, and mends what is wrong here; DRYRUN mends nothing."},
		"kvd.policyset": {Arity: -1, Needs: acl.Anyone, Loading: true, Run: l.policies.Run, Summary: "Changes the policy at all leaders, which begin again under it: SET prefix rule, UNSET prefix, DEFAULT resolver; WITHOUT names leaders that are away, DRYRUN changes nothing. Alone it answers which policy the leader serves under."},
		"kvd.neworigin": {Arity: 1, Needs: acl.Admin, Run: l.renew, Summary: "Ends this leader and starts it again under a new origin."},
	})
	if l.cfg.UnsafeFaults {
		all["kvd.fault"] = command.Extra{Arity: -2, Needs: acl.Admin, Loading: true, Run: l.plantFault, Summary: "Plants faults in this leader's clock and links, for experiments."}
	}
	return all
}

// tellStatus is KVD.STATUS: the page /status for whoever has no way to the pages.
func (l *Leader) tellStatus(_ context.Context, _ [][]byte, w *resp.Writer) error {
	text, err := console.StatusJSON(source{l})
	if err == nil {
		w.Text(string(text))
	}
	return err
}

func (l *Leader) tellMembers(_ context.Context, _ [][]byte, w *resp.Writer) error {
	v := l.roster()
	w.Array(len(v.Members))
	for _, m := range v.Members {
		w.Map(6)
		fields.Text(w, "name", m.Name)
		fields.Text(w, "status", m.Status.String())
		fields.Text(w, "resp", m.RespAddr)
		fields.Text(w, "http", m.HTTPAddr)
		fields.Text(w, "peer", m.PeerAddr)
		fields.Text(w, "origin", logical.Origin(m.Origin).String())
	}
	return nil
}
