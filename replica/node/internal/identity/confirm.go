package identity

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"maps"
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
	Frontier []struct {
		Origin string
		Seq    logical.Seq
	}
	Peers []struct {
		Name, Origin string
		Alive        bool
	}
}

// against is why the statement does not let the origin be used again; nil: it does. self
// is the leader that wants to, and own how far its log reaches.
func (s *Statement) against(self string, own logical.Dot) error {
	name := own.Origin.String()
	if s.Name != self && s.Origin == name {
		return fmt.Errorf("%s holds origin %s itself", s.Name, name)
	}
	for _, p := range s.Peers {
		if p.Alive && p.Origin == name {
			return fmt.Errorf("%s knows a live leader %s that holds origin %s", s.Name, p.Name, name)
		}
	}
	for _, f := range s.Frontier {
		if f.Origin == name && f.Seq > own.Seq {
			return fmt.Errorf("%s has %d ops of origin %s, and our log ends at %d", s.Name, f.Seq, name, own.Seq)
		}
	}
	return nil
}

// Confirmer asks the others about our origin.
type Confirmer struct {
	Self string      // our name
	Own  logical.Dot // how far our log of the origin reaches
	// Fetch reads another leader's status page; see [Page].
	Fetch func(ctx context.Context, addr string) (*Statement, error)
}

// Confirm is nil when every member that is known, here or to one of those asked,
// lets the origin be used again. All must answer in time. known is the address of the
// status page, by name.
func (c *Confirmer) Confirm(ctx context.Context, known map[string]string) error {
	ctx, cancel := context.WithTimeout(ctx, confirmWithin)
	defer cancel()
	answers := make(chan error, len(known))
	for _, name := range slices.Sorted(maps.Keys(known)) {
		go func() { answers <- c.ask(ctx, name, known) }()
	}
	var first error
	for range known {
		if err := <-answers; err != nil && first == nil {
			first = err
			cancel() // one is enough to begin anew
		}
	}
	return first
}

func (c *Confirmer) ask(ctx context.Context, name string, known map[string]string) error {
	a, err := c.Fetch(ctx, known[name])
	if err != nil {
		return fmt.Errorf("%s cannot be asked: %w", name, err)
	}
	if a.Name != name {
		return fmt.Errorf("%s was asked at %s, and %s answered", name, known[name], a.Name)
	}
	for _, p := range a.Peers {
		if _, ok := known[p.Name]; !ok && p.Name != c.Self {
			return fmt.Errorf("%s knows a leader %s that was never known here", name, p.Name)
		}
	}
	return a.against(c.Self, c.Own)
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
