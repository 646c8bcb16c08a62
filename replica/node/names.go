package node

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"sync"

	"kvd/logical"
	"kvd/replica/member"
	"kvd/storage/file"
)

// maxNames bounds the origins whose leaders are remembered: the longest known are
// forgotten first, and met again if they are still alive.
const maxNames = 4096

const namesFile = "origins.json"

// names is which leader each origin was a life of, as far as it was ever heard:
// answers about writes of long ago then name the leader people know. It is for
// people alone; nothing rests on it.
type names struct {
	mu    sync.Mutex
	of    map[logical.Origin]string
	order []logical.Origin // as they were met
}

// named is an entry of the file.
type named struct {
	Origin string `json:"origin"`
	Leader string `json:"leader"`
}

// readNames is never nil. On an error it is empty, and nothing but names is lost.
func readNames(dir string) (*names, error) {
	n := &names{of: map[logical.Origin]string{}}
	var all []named
	if _, err := readSide(dir, namesFile, &all); err != nil {
		return n, fmt.Errorf("read which leaders origins were of: %w", err)
	}
	for _, e := range all {
		if d, err := logical.ParseDot(e.Origin + "-1"); err == nil {
			n.learn(d.Origin, e.Leader)
		}
	}
	return n, nil
}

// learn reports whether that was news.
func (n *names) learn(o logical.Origin, leader string) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	if o == 0 || n.of[o] == leader {
		return false
	}
	if _, known := n.of[o]; !known {
		n.order = append(n.order, o)
	}
	n.of[o] = leader
	if len(n.order) > maxNames {
		delete(n.of, n.order[0])
		n.order = n.order[1:]
	}
	return true
}

// meet learns the present lives of a view and reports whether any was news.
func (n *names) meet(v member.View) (news bool) {
	for _, m := range v.Members {
		news = n.learn(logical.Origin(m.Origin), m.Name) || news
	}
	return news
}

// find is the leader's name; empty: it was never heard.
func (n *names) find(o logical.Origin) string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.of[o]
}

// write keeps them, in the order in which they were met.
func (n *names) write(dir string) error {
	n.mu.Lock()
	all := make([]named, 0, len(n.order))
	for _, o := range n.order {
		all = append(all, named{o.String(), n.of[o]})
	}
	n.mu.Unlock()
	text, err := json.MarshalIndent(all, "", "  ")
	if err == nil {
		err = file.Replace(filepath.Join(dir, namesFile), append(text, '\n'), 0o644)
	}
	if err != nil {
		return fmt.Errorf("write which leaders origins were of: %w", err)
	}
	return nil
}

// nameOf is the leader that an origin is a life of; empty: it was never heard.
func (l *Leader) nameOf(o logical.Origin) string { return l.names.find(o) }

// nameOwn learns our own lives, which the store remembers.
func (l *Leader) nameOwn() error {
	lives, err := l.store.Lives()
	for _, o := range append(lives, l.life) {
		l.names.learn(o, l.cfg.Name)
	}
	return err
}

// keepNames writes them beside the members. Only people miss them.
func (l *Leader) keepNames() {
	if !l.onDisk() {
		return
	}
	if err := l.names.write(l.cfg.Dir); err != nil {
		l.cfg.Logger.Warn("names are not remembered", "leader", l.cfg.Name, "why", err.Error())
	}
}
