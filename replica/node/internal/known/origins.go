package known

import (
	"fmt"
	"sync"

	"kvd/logical"
	"kvd/replica/member"
	"kvd/replica/node/internal/sidefile"
)

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
	if err := sidefile.WriteLines(dir, originsFile, all); err != nil {
		return fmt.Errorf("write which leaders origins were of: %w", err)
	}
	return nil
}
