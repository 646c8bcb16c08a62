package known

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"kvd/replica/member"
	"kvd/replica/node/internal/sidefile"
)

// Forgotten is which leaders are waited for and listed no more. It is said to all
// leaders by gossip, again to each that comes back, and kept over a restart; the latest
// that was said of a name counts.
//
// Nothing of what a forgotten leader wrote is given up: its ops, its origins and what
// is known of them stay as they are.
type Forgotten struct {
	mu    sync.Mutex
	of    map[string]member.Forgetting
	gone  map[string]bool // was seen to be away since: when it is alive after that, it has returned
	alive map[string]bool // in the newest view
}

const (
	forgottenFile = "forgotten.json"
	maxForgotten  = 1024 // names; of more, those that were said of longest ago are no longer known
)

// NewForgotten has forgotten nobody.
func NewForgotten() *Forgotten {
	return &Forgotten{of: map[string]member.Forgetting{}, gone: map[string]bool{}, alive: map[string]bool{}}
}

// ReadForgotten is never nil. On an error nobody is forgotten.
func ReadForgotten(dir string) (*Forgotten, error) {
	f := NewForgotten()
	var all []member.Forgetting
	_, err := sidefile.Read(dir, forgottenFile, &all)
	for _, g := range all {
		f.of[g.Name], f.gone[g.Name] = g, true
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
	f.gone[g.Name] = !f.alive[g.Name]
	if len(f.of) > maxForgotten {
		delete(f.of, slices.MinFunc(slices.Collect(maps.Values(f.of)), func(a, b member.Forgetting) int { return cmp.Compare(a.At, b.At) }).Name)
	}
	return true
}

// Say makes something new of a name, later than all that was said before.
func (f *Forgotten) Say(name string, lifted bool) member.Forgetting {
	f.mu.Lock()
	defer f.mu.Unlock()
	return member.Forgetting{Name: name, At: max(time.Now().UnixNano(), f.of[name].At+1), Lifted: lifted}
}

// Observe looks at who is there: who has returned is to be known again, and whoever has
// come is to be told what was said.
func (f *Forgotten) Observe(v member.View) (returned []string, news bool) {
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

// Write keeps what was said in the data directory.
func (f *Forgotten) Write(dir string) error {
	if err := sidefile.WriteLines(dir, forgottenFile, f.List()); err != nil {
		return fmt.Errorf("write which leaders are forgotten: %w", err)
	}
	return nil
}

// Said is what was said of a name.
func (f *Forgotten) Said(name string) (member.Forgetting, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	g, said := f.of[name]
	return g, said
}
