package answers

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"

	"kvd/logical"
	"kvd/replica"
	"kvd/replica/acl"
	"kvd/replica/command"
	"kvd/replica/host"
	"kvd/replica/resp"
	"kvd/resolve"
	"kvd/resolve/limits"
	"kvd/storage"
)

// Config is what the questions are answered from. Nothing of it changes afterwards.
type Config struct {
	Name     string // the leader's
	Origin   logical.Origin
	Policy   resolve.Policy
	NoLedger bool

	Store *storage.Store
	Loop  *host.Loop
	Clock host.Clock

	NameOf       func(logical.Origin) string // the leader that an origin is of; empty: it was never heard
	OutOfReach   func(logical.Dot) bool      // nobody who can be reached is known to have it
	Unreplicated func() []Stretch            // what others said they have and nobody can be asked for
	Trouble      func() string               // what is wrong with the store; empty: nothing
	// Do sends requests the way of clients' requests.
	Do func(reqs []*replica.Request, done func([]replica.Reply)) error
}

// Answers answers. It may be asked from many goroutines.
type Answers struct {
	cfg Config

	busy  atomic.Bool  // somebody reads the whole log
	done  atomic.Int64 // how much of that is done, in parts
	steps atomic.Int64 // how often that was told, ever
}

// New answers from c.
func New(c Config) *Answers { return &Answers{cfg: c} }

// Commands is the commands that ask, by name. The map is the caller's.
func (an *Answers) Commands() map[string]command.Extra {
	all := map[string]command.Extra{
		"kvd.history":   {Arity: -2, Needs: acl.Read, Key: 1, Holds: limits.Value, Run: an.tellHistory, Summary: "Answers the writes that led to what a key holds, newest first."},
		"kvd.losses":    {Arity: -1, Needs: acl.Read, Run: an.tellLosses, Summary: "Answers the acknowledged writes that a resolver threw away unseen, by key, dot and resolver, in pages."},
		"kvd.why":       {Arity: 2, Needs: acl.Read, Key: 1, Run: an.tellWhy, Summary: "Answers why a key holds what it holds, what was written over, and what was lost to what."},
		"kvd.fate":      {Arity: 2, Needs: acl.Read, Run: an.tellFate, Summary: "Answers what became of one acknowledged write, under every resolver that judged it."},
		"kvd.restore":   {Arity: -2, Needs: acl.Read | acl.Write, Write: an.restore, Summary: "Writes a lost value again, over exactly what its key shows."},
		"kvd.rewrite":   {Arity: -4, Needs: acl.Read | acl.Write, Key: 1, Write: an.rewrite, Summary: "Writes again what a leader that was forgotten had acknowledged alone, unless the key shows what its author had not been shown."},
		"kvd.audit":     {Arity: -1, Needs: acl.Read | acl.Admin, Run: an.tellAudit, Summary: "Counts whether every accepted write is live, superseded or lost, and never two of these."},
		"kvd.advise":    {Arity: -1, Needs: acl.Read | acl.Admin, Run: an.tellAdvice, Summary: "Answers which resolver would have lost less, by what was measured here."},
		"kvd.log":       {Arity: -3, Needs: acl.Read | acl.Admin, Loading: true, Run: an.tellLog, Summary: "Answers what an origin accepted, from one sequence number on, as it is stored."},
		"kvd.accept":    {Arity: -3, Needs: acl.All, Write: an.accept, Summary: "Settles a dot that has two contents: what shall stand is written again, alike at all leaders."},
		"kvd.conflicts": {Arity: -1, Needs: acl.Read, Run: an.tellConflicts, Summary: "Answers which writes have one content here and another at a leader that was met, under one dot."},
	}
	if an.cfg.NoLedger {
		an.withoutLedger(all)
	}
	return all
}

// Draining says of a loop that has ended what clients are told.
func Draining(err error) error {
	if errors.Is(err, host.ErrStopped) {
		return fmt.Errorf("%w: %w", resp.ErrDraining, err)
	}
	return err
}

// withoutLedger replaces what only a ledger can answer, at a leader that
// keeps none: an empty answer would say that nothing was lost.
func (an *Answers) withoutLedger(all map[string]command.Extra) {
	refuse := func() error {
		return resp.Refuse("NOLEDGER", "%s keeps no ledger of lost writes, so it cannot tell what was lost; ask another leader, or start this one with its ledger on", an.cfg.Name)
	}
	for _, name := range []string{"kvd.losses", "kvd.audit", "kvd.advise"} {
		e := all[name]
		e.Run = func(context.Context, [][]byte, *resp.Writer) error { return refuse() }
		all[name] = e
	}
	e := all["kvd.restore"]
	e.Write = func(context.Context, [][]byte, *resp.Writer) (logical.Dot, error) { return logical.Dot{}, refuse() }
	all["kvd.restore"] = e
}

// unledgered is a text about writes, with a warning where no ledger stands behind
// it.
func (an *Answers) unledgered(text string) string {
	if !an.cfg.NoLedger {
		return text
	}
	lines := strings.TrimRight(text, "\n")
	return lines + "\n" + an.cfg.Name + " keeps no ledger of lost writes: one may be lost that is not named as lost here." + text[len(lines):]
}
