package node

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"kvd/replica"
	"kvd/replica/member"
	"kvd/replica/resp"
	"kvd/storage/file"
)

// forgotten is which leaders are waited for and listed no more. It is said to all
// leaders by gossip, again to each that comes back, and kept over a restart; the latest
// that was said of a name counts.
//
// Nothing of what a forgotten leader wrote is given up: its ops, its origins and what
// is known of them stay as they are.
type forgotten struct {
	mu    sync.Mutex
	of    map[string]member.Forgetting
	gone  map[string]bool // was seen to be away since: when it is alive after that, it has returned
	alive map[string]bool // in the newest view
}

const (
	forgottenFile = "forgotten.json"
	maxForgotten  = 1024 // names; of more, those that were said of longest ago are no longer known
)

func newForgotten() *forgotten {
	return &forgotten{of: map[string]member.Forgetting{}, gone: map[string]bool{}, alive: map[string]bool{}}
}

// readForgotten is never nil. On an error nobody is forgotten.
func readForgotten(dir string) (*forgotten, error) {
	f := newForgotten()
	var all []member.Forgetting
	_, err := readSide(dir, forgottenFile, &all)
	for _, g := range all {
		f.of[g.Name], f.gone[g.Name] = g, true
	}
	return f, err
}

// list is all that was said, by name.
func (f *forgotten) list() []member.Forgetting {
	f.mu.Lock()
	defer f.mu.Unlock()
	all := slices.Collect(maps.Values(f.of))
	slices.SortFunc(all, func(a, b member.Forgetting) int { return strings.Compare(a.Name, b.Name) })
	return all
}

// has reports whether a leader is forgotten.
func (f *forgotten) has(name string) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	g, said := f.of[name]
	return said && !g.Lifted
}

// learn reports whether that was news.
func (f *forgotten) learn(g member.Forgetting) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if was, said := f.of[g.Name]; said && !g.After(was) {
		return false
	}
	f.of[g.Name] = g
	f.gone[g.Name] = !f.alive[g.Name]
	if len(f.of) > maxForgotten {
		delete(f.of, slices.MinFunc(slices.Collect(maps.Values(f.of)), func(a, b member.Forgetting) int { return cmp.Compare(a.At, b.At) }).Name)
	}
	return true
}

// say is something new of a name, after all that was said before.
func (f *forgotten) say(name string, lifted bool) member.Forgetting {
	f.mu.Lock()
	defer f.mu.Unlock()
	return member.Forgetting{Name: name, At: max(time.Now().UnixNano(), f.of[name].At+1), Lifted: lifted}
}

// meet looks at who is there: who has returned is to be known again, and whoever has
// come is to be told what was said.
func (f *forgotten) meet(v member.View) (returned []string, news bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	alive := map[string]bool{}
	for _, m := range v.Members {
		if m.Status == member.Alive {
			alive[m.Name] = true
			news = news || !f.alive[m.Name]
		}
	}
	f.alive = alive
	for name, g := range f.of {
		switch {
		case !alive[name]:
			f.gone[name] = true
		case f.gone[name] && !g.Lifted:
			returned = append(returned, name)
		}
	}
	slices.Sort(returned)
	return returned, news && len(f.of) > 0
}

func (f *forgotten) write(dir string) error {
	text, err := json.MarshalIndent(f.list(), "", "  ")
	if err == nil {
		err = file.Replace(filepath.Join(dir, forgottenFile), append(text, '\n'), 0o644)
	}
	if err != nil {
		return fmt.Errorf("write which leaders are forgotten: %w", err)
	}
	return nil
}

// hearForgotten takes over what was said here or elsewhere.
func (l *Leader) hearForgotten(g member.Forgetting) error {
	if g.Name == l.cfg.Name || !l.forgotten.learn(g) {
		return nil
	}
	l.cfg.Logger.Warn("another leader is forgotten, or known again", "leader", l.cfg.Name, "other", g.Name, "forgotten", !g.Lifted)
	if !l.onDisk() {
		return l.letGo(g)
	}
	return errors.Join(l.forgotten.write(l.cfg.Dir), l.letGo(g))
}

// letGo takes a leader that is forgotten off the list of those whom to ask at the next
// start.
func (l *Leader) letGo(g member.Forgetting) error {
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
	if !l.onDisk() {
		return nil
	}
	return l.known.write(l.cfg.Dir)
}

// heardForgotten is told by gossip.
func (l *Leader) heardForgotten(g member.Forgetting) {
	if err := l.hearForgotten(g); err != nil {
		l.cfg.Logger.Warn("who is forgotten is not remembered", "leader", l.cfg.Name, "why", err.Error())
	}
}

// welcome lifts who has returned, and tells who has come what was said.
func (l *Leader) welcome(v member.View) {
	returned, news := l.forgotten.meet(v)
	for _, name := range returned {
		l.heardForgotten(l.forgotten.say(name, true))
	}
	if !news && len(returned) == 0 || l.members == nil {
		return
	}
	for _, g := range l.forgotten.list() {
		if err := l.members.Spread(g); err != nil {
			l.cfg.Logger.Warn("who is forgotten cannot be said", "leader", l.cfg.Name, "why", err.Error())
		}
	}
}

// forget is KVD.FORGET: a leader that is dead is waited for and listed no more, at all
// leaders, until it returns.
func (l *Leader) forget(_ context.Context, args [][]byte, w *resp.Writer) error {
	name := string(args[1])
	o, err := options(args[2:], option{name: "LIFT"})
	if err != nil {
		return err
	}
	_, lift := o["LIFT"]
	if err := l.mayForget(name, lift); err != nil {
		return err
	}
	g := l.forgotten.say(name, lift)
	if l.forgotten.has(name) == lift { // else it is so already
		if err := l.hearForgotten(g); err != nil {
			return err
		}
	}
	if known, ok := l.forgotten.said(name); ok {
		g = known
	}
	if err := l.members.Spread(g); err != nil {
		return fmt.Errorf("the other leaders could not be told: %w; ask again", err)
	}
	if _, seen := l.members.View().Find(name); seen && !lift {
		if err := l.members.Forget(name); err != nil {
			return err
		}
	}
	w.Map(3)
	text(w, "leader", l.cfg.Name)
	text(w, "node", name)
	flag(w, "forgotten", !lift)
	return nil
}

// mayForget refuses whom nobody ever met, and who is alive: it would be known again at
// once.
func (l *Leader) mayForget(name string, lift bool) error {
	m, seen := l.members.View().Find(name)
	_, said := l.forgotten.said(name)
	switch {
	case name == l.cfg.Name:
		return fmt.Errorf("%s is this leader itself; ask another one", name)
	case lift && !said:
		return resp.Refuse("UNKNOWN", "%.64q is not forgotten here; KVD.FORGOTTEN lists who is", name)
	case !lift && seen && (m.Status == member.Alive || m.Status == member.Leaving):
		return resp.Refuse("ALIVE", "%s is %s as %s sees it; stop it first", name, m.Status, l.cfg.Name)
	case !lift && !seen && !said && !l.everMet(name):
		return resp.Refuse("UNKNOWN", "no leader of the name %.64q was ever met here; KVD.MEMBERS lists who was", name)
	}
	return nil
}

// said is what was said of a name.
func (f *forgotten) said(name string) (member.Forgetting, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	g, said := f.of[name]
	return g, said
}

// everMet reports whether a leader of that name was met in this life or a former one.
func (l *Leader) everMet(name string) bool {
	l.mu.Lock()
	_, known := l.known[name]
	l.mu.Unlock()
	return known || slices.ContainsFunc(l.loop.Status().Peers, func(p replica.PeerView) bool { return string(p.Peer) == name })
}

// tellForgotten is KVD.FORGOTTEN.
func (l *Leader) tellForgotten(_ context.Context, _ [][]byte, w *resp.Writer) error {
	all := slices.DeleteFunc(l.forgotten.list(), func(g member.Forgetting) bool { return g.Lifted })
	w.Array(len(all))
	for _, g := range all {
		w.Map(2)
		text(w, "name", g.Name)
		number(w, "since", g.At)
	}
	return nil
}

// others is a view without those that are forgotten and have not returned.
func (l *Leader) others(v member.View) member.View {
	v.Members = slices.DeleteFunc(slices.Clone(v.Members), func(m member.Member) bool { return m.Status != member.Alive && l.forgotten.has(m.Name) })
	return v
}

// remembered is what is known of the others that are not forgotten.
func (l *Leader) remembered() []replica.PeerView {
	return slices.DeleteFunc(slices.Clone(l.loop.Status().Peers), func(p replica.PeerView) bool { return l.forgotten.has(string(p.Peer)) })
}
