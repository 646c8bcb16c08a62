package answers

import (
	"context"
	"strings"

	"kvd/logical"
	"kvd/replica/command"
	"kvd/replica/resp"
)

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
