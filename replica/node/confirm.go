package node

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"path/filepath"
	"slices"
	"time"

	"kvd/logical"
	"kvd/replica"
	"kvd/replica/member"
	"kvd/storage/file"
)

// confirmWithin is how long the others have to vouch for an origin.
const confirmWithin = time.Second

// acquaintances are the members that were ever known: name to HTTP address.
type acquaintances map[string]string

const acquaintancesFile = "members.json"

// readAcquaintances is never nil. On an error nobody is known, and the origin
// cannot be confirmed.
func readAcquaintances(dir string) (acquaintances, error) {
	known := acquaintances{}
	if _, err := readSide(dir, acquaintancesFile, &known); err != nil || known == nil {
		return acquaintances{}, err
	}
	return known, nil
}

// meet takes the others of a view in, and reports whether any of them was new or
// has moved.
func (a acquaintances) meet(self string, v member.View) bool {
	grew := false
	for _, m := range v.Members {
		if m.Name != self && a[m.Name] != m.HTTPAddr {
			a[m.Name], grew = m.HTTPAddr, true
		}
	}
	return grew
}

// others is who was ever met. The core is told before it meets them again, so that
// it ends no value by its own clock before it could have heard theirs.
func (a acquaintances) others(self string) (all []replica.Leader) {
	for name := range a {
		if name != "" && name != self {
			all = append(all, replica.Leader(name))
		}
	}
	return all
}

func (a acquaintances) write(dir string) error {
	text, err := json.MarshalIndent(a, "", "  ") // maps are written in the order of their keys
	if err == nil {
		err = file.Replace(filepath.Join(dir, acquaintancesFile), append(text, '\n'), 0o644)
	}
	if err != nil {
		return fmt.Errorf("write the members that are known: %w", err)
	}
	return nil
}

// testimony is what of a leader's status page concerns an origin.
type testimony struct {
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

// against is why the testimony does not let the origin go on; nil: it does. self
// is the leader that wants to, and own how far its log reaches.
func (a *testimony) against(self string, own logical.Dot) error {
	name := own.Origin.String()
	if a.Name != self && a.Origin == name {
		return fmt.Errorf("%s holds origin %s itself", a.Name, name)
	}
	for _, p := range a.Peers {
		if p.Alive && p.Origin == name {
			return fmt.Errorf("%s knows a live leader %s that holds origin %s", a.Name, p.Name, name)
		}
	}
	for _, f := range a.Frontier {
		if f.Origin == name && f.Seq > own.Seq {
			return fmt.Errorf("%s has %d ops of origin %s, and our log ends at %d", a.Name, f.Seq, name, own.Seq)
		}
	}
	return nil
}

// confirmer asks the others about our origin.
type confirmer struct {
	self  string
	own   logical.Dot
	fetch func(ctx context.Context, addr string) (*testimony, error)
}

// confirm is nil when every member that is known, here or to one of those asked,
// lets the origin go on. All must answer in time.
func (c *confirmer) confirm(ctx context.Context, known acquaintances) error {
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

func (c *confirmer) ask(ctx context.Context, name string, known acquaintances) error {
	a, err := c.fetch(ctx, known[name])
	if err != nil {
		return fmt.Errorf("%s cannot be asked: %w", name, err)
	}
	if a.Name != name {
		return fmt.Errorf("%s was asked at %s, and %s answered", name, known[name], a.Name)
	}
	for _, p := range a.Peers {
		if _, ok := known[p.Name]; !ok && p.Name != c.self {
			return fmt.Errorf("%s knows a leader %s whom we have never met", name, p.Name)
		}
	}
	return a.against(c.self, c.own)
}

// maxAccount bounds what is read of a status page.
const maxAccount = 4 << 20

// fetch reads another leader's status page.
func (c *Config) fetch(ctx context.Context, addr string) (*testimony, error) {
	scheme, transport := "http", &http.Transport{DisableKeepAlives: true}
	if c.TLS != nil {
		scheme, transport.TLSClientConfig = "https", c.TLS.client()
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, scheme+"://"+addr+"/status", nil)
	if err != nil {
		return nil, err
	}
	if len(c.GossipKey) > 0 {
		req.SetBasicAuth(leaderUser, c.leaderPassword())
	}
	res, err := (&http.Client{Transport: transport}).Do(req)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("its status page answers %s", res.Status)
	}
	a := &testimony{}
	return a, json.NewDecoder(io.LimitReader(res.Body, maxAccount)).Decode(a)
}

// leaderUser is who a leader is at another's console. No user can have the name:
// it is refused in a users file.
const leaderUser = "@leader"

// leaderPassword follows from the gossip key, which all leaders share and nobody
// else has.
func (c *Config) leaderPassword() string {
	h := hmac.New(sha256.New, c.GossipKey)
	h.Write([]byte("console of " + c.Cluster))
	return hex.EncodeToString(h.Sum(nil))
}
