package known

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"kvd/logical"
	"kvd/replica"
	"kvd/replica/member"
	"kvd/replica/node/internal/sidefile"
)

// Forgotten is which leaders are waited for and listed no more. It is said to all
// leaders by gossip, again to each that comes back, and kept over a restart; the latest
// that was said of a name counts.
//
// What the others have of a forgotten leader is not given up: its ops, its origins and what
// is known of them stay as they are. It is let in again when it has begun anew (package
// returning), or when an operator takes back that it is forgotten.
type Forgotten struct {
	mu    sync.Mutex
	of    map[string]member.Forgetting
	alive map[string]bool // in the newest view
}

const (
	forgottenFile = "forgotten.json"
	maxForgotten  = 1024 // names; of more, those that were said of longest ago are no longer known
)

// NewForgotten has forgotten nobody.
func NewForgotten() *Forgotten {
	return &Forgotten{of: map[string]member.Forgetting{}, alive: map[string]bool{}}
}

// ReadForgotten is never nil. On an error nobody is forgotten.
func ReadForgotten(dir string) (*Forgotten, error) {
	f := NewForgotten()
	var all []member.Forgetting
	_, err := sidefile.Read(dir, forgottenFile, &all)
	for _, g := range all {
		f.of[g.Name] = g
	}
	return f, err
}

// List is all that was said, by name.
func (f *Forgotten) List() []member.Forgetting {
	f.mu.Lock()
	defer f.mu.Unlock()
	all := slices.Collect(maps.Values(f.of))
	slices.SortFunc(all, func(a, b member.Forgetting) int { return strings.Compare(a.Name, b.Name) })
	return all
}

// Has reports whether a leader is forgotten.
func (f *Forgotten) Has(name string) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	g, said := f.of[name]
	return said && !g.Lifted
}

// Learn reports whether that was news.
func (f *Forgotten) Learn(g member.Forgetting) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if was, said := f.of[g.Name]; said && !g.After(was) {
		return false
	}
	f.of[g.Name] = g
	if len(f.of) > maxForgotten {
		delete(f.of, slices.MinFunc(slices.Collect(maps.Values(f.of)), func(a, b member.Forgetting) int { return cmp.Compare(a.At, b.At) }).Name)
	}
	return true
}

// Say makes something new of a name, later than all that was said before. By is the leader
// that says so.
func (f *Forgotten) Say(name, by string, lifted bool) member.Forgetting {
	f.mu.Lock()
	defer f.mu.Unlock()
	return member.Forgetting{Name: name, At: max(time.Now().UnixNano(), f.of[name].At+1), Lifted: lifted, By: by}
}

// Observe looks at who is there: who has returned with data from after it was forgotten is
// to be known again, and whoever has come is to be told what was said.
func (f *Forgotten) Observe(v member.View) (returned []string, news bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	alive := map[string]bool{}
	for _, m := range v.Members {
		if m.Status != member.Alive {
			continue
		}
		alive[m.Name] = true
		news = news || !f.alive[m.Name]
		if g, said := f.of[m.Name]; said && !g.Lifted && m.Begun >= g.At {
			returned = append(returned, m.Name)
		}
	}
	f.alive = alive
	slices.Sort(returned)
	return returned, news && len(f.of) > 0
}

// Write keeps what was said in the data directory.
func (f *Forgotten) Write(dir string) error {
	return sidefile.WriteLines(dir, forgottenFile, "which leaders are forgotten", f.List())
}

// Said is what was said of a name.
func (f *Forgotten) Said(name string) (member.Forgetting, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	g, said := f.of[name]
	return g, said
}

// Members are the leaders that were ever known, by name, and where each was last: who is
// not met again after a restart is listed and asked all the same, until it is forgotten.
type Members map[string]Address

// Address is where a leader was last, host:port each; what was never heard is empty.
type Address struct {
	HTTP   string `json:"http"`
	RESP   string `json:"resp"`
	Peer   string `json:"peer"`
	Origin uint64 `json:"origin,string"` // of its last incarnation that was heard of; zero: none was
}

// UnmarshalJSON also reads what former versions wrote: the HTTP address alone.
func (a *Address) UnmarshalJSON(text []byte) error {
	if len(text) > 0 && text[0] == '"' {
		*a = Address{}
		return json.Unmarshal(text, &a.HTTP)
	}
	type fields Address
	return json.Unmarshal(text, (*fields)(a))
}

const membersFile = "members.json"

// ReadMembers is never nil. On an error nobody is known, and the origin
// cannot be confirmed.
func ReadMembers(dir string) (Members, error) {
	known := Members{}
	if _, err := sidefile.Read(dir, membersFile, &known); err != nil || known == nil {
		return Members{}, err
	}
	return known, nil
}

// Learn takes the others of a view in, and reports whether any of them was new or
// has moved.
func (m Members) Learn(self string, v member.View) bool {
	grew := false
	for _, one := range v.Members {
		at := Address{one.HTTPAddr, one.RespAddr, one.PeerAddr, one.Origin}
		if one.Name != self && m[one.Name] != at {
			m[one.Name], grew = at, true
		}
	}
	return grew
}

// Pages is the addresses of their status pages, by name.
func (m Members) Pages() map[string]string {
	pages := make(map[string]string, len(m))
	for name, at := range m {
		pages[name] = at.HTTP
	}
	return pages
}

// With adds to a view who is known and not in it, as [member.Absent].
func (m Members) With(v member.View) member.View {
	v.Members = slices.Clone(v.Members)
	for name, at := range m {
		if _, seen := v.Find(name); !seen {
			one := member.Member{Name: name, Status: member.Absent, Origin: at.Origin, PeerAddr: at.Peer, RespAddr: at.RESP, HTTPAddr: at.HTTP}
			i, _ := slices.BinarySearchFunc(v.Members, name, func(m member.Member, name string) int { return strings.Compare(m.Name, name) })
			v.Members = slices.Insert(v.Members, i, one)
		}
	}
	return v
}

// Others is who was ever known. The core is told before it hears of them again, so
// that it ends no value by its own clock before it could have heard theirs.
func (m Members) Others(self string) (all []replica.Leader) {
	for name := range m {
		if name != "" && name != self {
			all = append(all, replica.Leader(name))
		}
	}
	return all
}

// Write keeps them in the data directory.
func (m Members) Write(dir string) error {
	return sidefile.WriteLines(dir, membersFile, "the members that are known", m) // maps are written in the order of their keys
}

// maxOrigins bounds the origins whose leaders are remembered: the longest known are
// forgotten first, and learnt again if they are still alive.
const maxOrigins = 4096

const originsFile = "origins.json"

// Origins is which leader each origin was an incarnation of, as far as it was ever
// heard: answers about writes of long ago then name the leader people know. It is for
// people alone; nothing rests on it.
type Origins struct {
	mu    sync.Mutex
	of    map[logical.Origin]string
	order []logical.Origin // as they were learnt
}

type named struct {
	Origin string `json:"origin"`
	Leader string `json:"leader"`
}

// NewOrigins knows none.
func NewOrigins() *Origins { return &Origins{of: map[logical.Origin]string{}} }

// ReadOrigins is never nil. On an error it is empty, and nothing but names is lost.
func ReadOrigins(dir string) (*Origins, error) {
	n := NewOrigins()
	var all []named
	if _, err := sidefile.Read(dir, originsFile, &all); err != nil {
		return n, fmt.Errorf("read which leaders origins were of: %w", err)
	}
	for _, e := range all {
		if d, err := logical.ParseDot(e.Origin + "-1"); err == nil {
			n.Learn(d.Origin, e.Leader)
		}
	}
	return n, nil
}

// Learn reports whether that was news.
func (n *Origins) Learn(o logical.Origin, leader string) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	if o == 0 || n.of[o] == leader {
		return false
	}
	if _, known := n.of[o]; !known {
		n.order = append(n.order, o)
	}
	n.of[o] = leader
	if len(n.order) > maxOrigins {
		delete(n.of, n.order[0])
		n.order = n.order[1:]
	}
	return true
}

// LearnView learns the present origins of a view and reports whether any was news.
func (n *Origins) LearnView(v member.View) (news bool) {
	for _, m := range v.Members {
		news = n.Learn(logical.Origin(m.Origin), m.Name) || news
	}
	return news
}

// Leader is the name of an origin's leader; empty: it was never heard.
func (n *Origins) Leader(o logical.Origin) string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.of[o]
}

// Write keeps them in the data directory, in the order in which they were learnt.
func (n *Origins) Write(dir string) error {
	n.mu.Lock()
	all := make([]named, 0, len(n.order))
	for _, o := range n.order {
		all = append(all, named{o.String(), n.of[o]})
	}
	n.mu.Unlock()
	return sidefile.WriteLines(dir, originsFile, "which leaders origins were of", all)
}
