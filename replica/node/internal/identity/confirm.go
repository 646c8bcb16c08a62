package identity

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"time"

	"kvd/logical"
)

// confirmWithin is how long the others have to confirm an origin.
const confirmWithin = time.Second

// Statement is what of a leader's status page concerns an origin.
type Statement struct {
	Name     string
	Origin   string
	GateOps  int `json:"gate_ops"` // that it holds, and that are not in the frontier yet
	Frontier []struct {
		Origin string
		Seq    logical.Seq
	}
	Peers []struct {
		Name, Origin string
		Alive        bool
		HTTP         string // of its status page
	}
	Forgotten []Forgetting
}

// Forgetting is what a leader knows was last said of another, or of us.
type Forgetting struct {
	Name   string
	At     time.Time
	By     string
	Lifted bool
}

// Confirmer asks the others about our origin.
type Confirmer struct {
	Self string      // our name
	HTTP string      // where our own status page is, as others are told; nobody is there yet
	Own  logical.Dot // how far our log of the origin reaches
	// All: every member that is known must confirm. Otherwise those that cannot be asked
	// are left out, since what lies on this machine speaks for the origin.
	All bool
	// Fetch reads another leader's status page; see [Page].
	Fetch func(ctx context.Context, addr string) (*Statement, error)
}

// Confirm is nil when the members that are known let the origin be used again. known is
// the address of the status page, by name. It names who could not be asked, ascending.
func (c *Confirmer) Confirm(ctx context.Context, known map[string]string) (silent []string, err error) {
	ctx, cancel := context.WithTimeout(ctx, confirmWithin)
	defer cancel()
	type answer struct {
		name        string
		asked, says error
	}
	answers := make(chan answer, len(known))
	for name := range known {
		go func() {
			asked, says := c.ask(ctx, name, known)
			answers <- answer{name, asked, says}
		}()
	}
	for range known {
		a := <-answers
		if a.asked != nil {
			silent = append(silent, a.name)
		}
		if a.asked != nil && c.All {
			a.says = a.asked
		}
		if a.says != nil && err == nil {
			err = a.says
			cancel() // one is enough to begin anew
		}
	}
	slices.Sort(silent)
	return silent, err
}

// ask asks one member: why it could not be asked, and why it does not let the origin be
// used again.
func (c *Confirmer) ask(ctx context.Context, name string, known map[string]string) (unasked, against error) {
	a, err := c.Fetch(ctx, known[name])
	if err != nil {
		return fmt.Errorf("%s cannot be asked: %w", name, err), nil
	}
	if a.Name != name {
		unasked = fmt.Errorf("%s was asked at %s, and %s answered", name, known[name], a.Name)
	}
	for _, p := range a.Peers {
		if _, ok := known[p.Name]; !ok && p.Name != c.Self && c.All {
			return unasked, fmt.Errorf("%s knows a leader %s that was never known here", name, p.Name)
		}
	}
	if a.GateOps > 0 && c.All {
		return unasked, fmt.Errorf("%s holds %d ops that it has not applied, and some may be of origin %s", name, a.GateOps, c.Own.Origin)
	}
	return unasked, c.against(ctx, a)
}

// against is why a statement does not let the origin be used again; nil: it does.
func (c *Confirmer) against(ctx context.Context, s *Statement) error {
	origin := c.Own.Origin.String()
	if s.Origin == origin {
		return fmt.Errorf("%s holds origin %s itself", s.Name, origin)
	}
	for _, f := range s.Frontier {
		if f.Origin == origin && f.Seq > c.Own.Seq {
			return fmt.Errorf("%s has %d ops of origin %s, and our log ends at %d", s.Name, f.Seq, origin, c.Own.Seq)
		}
	}
	for _, p := range s.Peers {
		if !p.Alive || p.Origin != origin {
			continue
		}
		if h := Holds(ctx, c.Fetch, p.HTTP, c.HTTP, c.Own.Origin); h != Gone {
			return fmt.Errorf("%s knows a live leader %s that holds origin %s, which %s", s.Name, p.Name, origin, h)
		}
	}
	return nil
}

// Holder is what became of a leader that somebody takes for a live holder of our origin.
// After a crash that is ourselves, until the others have found out.
type Holder string

// What is found where it was.
const (
	Gone   Holder = "is gone"          // nobody is there, or somebody with another origin
	Live   Holder = "answers"          // it is alive
	Silent Holder = "may still be one" // it cannot be asked, or does not answer in time
)

// Holds looks at the status page at addr. own is the address of ours: there is nobody else.
func Holds(ctx context.Context, fetch func(ctx context.Context, addr string) (*Statement, error), addr, own string, origin logical.Origin) Holder {
	if addr == "" {
		return Silent
	}
	if addr == own {
		return Gone
	}
	s, err := fetch(ctx, addr)
	dialled, isNet := errors.AsType[*net.OpError](err)
	switch {
	case err == nil && s.Origin == origin.String():
		return Live
	case err == nil, isNet && dialled.Op == "dial" && !dialled.Timeout():
		return Gone
	}
	return Silent
}

// maxPage bounds what is read of a status page.
const maxPage = 4 << 20

// Page is how status pages are asked for.
type Page struct {
	TLS            *tls.Config // nil: plain HTTP
	User, Password string      // empty: none
}

// Fetch reads the status page of the leader at addr.
func (p *Page) Fetch(ctx context.Context, addr string) (*Statement, error) {
	scheme, transport := "http", &http.Transport{DisableKeepAlives: true}
	if p.TLS != nil {
		scheme, transport.TLSClientConfig = "https", p.TLS
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, scheme+"://"+addr+"/status", nil)
	if err != nil {
		return nil, err
	}
	if p.User != "" {
		req.SetBasicAuth(p.User, p.Password)
	}
	res, err := (&http.Client{Transport: transport}).Do(req)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("its status page answers %s", res.Status)
	}
	a := &Statement{}
	return a, json.NewDecoder(io.LimitReader(res.Body, maxPage)).Decode(a)
}
