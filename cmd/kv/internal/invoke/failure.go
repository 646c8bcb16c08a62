package invoke

import (
	"errors"
	"strings"

	"kvd/cmd/internal/cliutil"
	"kvd/cmd/kv/internal/show"
	"kvd/replica/client"
)

// Explain turns what went wrong into what failed, why, and what to do next.
func Explain(subject string, err error) error {
	var p *cliutil.Problem
	if err == nil || errors.As(err, &p) {
		return err
	}
	p = &cliutil.Problem{What: subject, Why: err.Error()}
	r, ok := errors.AsType[*client.Refusal](err)
	if !ok {
		return p
	}
	p.What += " at " + r.By.String()
	p.Why = show.Reason(r.Err)
	if told, ok := client.Said(r.Err); ok {
		p.Code, p.Next = Judge(told, r.Cmd)
		return p
	}
	p.Code, p.Next = lost(r.Err)
	return p
}

// answered is the exit code and the way on by the first word of a leader's answer.
var answered = map[string]struct {
	code int
	next string
}{
	"NOAUTH":    {cliutil.Denied, "log in: --user NAME --password-file FILE, or KV_PASSWORD in the environment"},
	"WRONGPASS": {cliutil.Denied, "--user NAME --password-file FILE, or KV_PASSWORD, with the right ones"},
	"NOPERM":    {cliutil.Denied, "ask as another user"},
	"CONFLICT":  {cliutil.Differs, "kv siblings KEY shows them, kv resolve KEY VALUE puts one value in their place"},
	"SIBLINGS":  {cliutil.Differs, "kv siblings KEY shows what is there; kv resolve, kv set and kv del go over all of it"},
	"BEHIND":    {cliutil.Unreachable, "a longer --timeout, or ask the leader that the session was last at"},
	"UNKNOWN":   {cliutil.Absent, ""},
	"FORGOTTEN": {cliutil.Absent, ""},
	"BEATEN":    {cliutil.Differs, "ask again later, or at a leader whose clock is ahead; --force writes all the same"},
	"BUSY":      {cliutil.Unreachable, "try again soon: the leader counts for somebody else"},
	"NOLEDGER":  {cliutil.Unreachable, "-n another leader: this one writes no losses down (kvd serve --ledger off)"},
	"READONLY":  {cliutil.Unreachable, "-n another leader; reads go on here, and /health/ready of this leader says why as well"},
	"TRYAGAIN":  {cliutil.Unreachable, "try again soon, or -n another leader"},
	"LOADING":   {cliutil.Unreachable, "try again soon, or -n another leader"},
}

// Judge finds the exit code and the way on by a leader's answer.
func Judge(text, cmd string) (code int, next string) {
	word, _, _ := strings.Cut(text, " ")
	if known, ok := answered[word]; ok {
		return known.code, known.next
	}
	switch {
	case strings.HasPrefix(text, "ERR unknown command"):
		return cliutil.Failed, "this server has no " + cmd + "; a newer one may"
	case strings.HasPrefix(text, "ERR max number of clients"):
		return cliutil.Unreachable, "try again later, or -n another leader"
	}
	return cliutil.Failed, ""
}

// lost is the exit code and the way on when no answer came.
func lost(err error) (code int, next string) {
	switch {
	case client.Distrusted(err):
		return cliutil.Denied, "--tls-ca FILE names the authority to trust"
	case client.NoTLS(err):
		return cliutil.Unreachable, "the server seems to speak plain TCP: leave out --tls-ca"
	case client.LoginHeld(err):
		return cliutil.Denied, "--user NAME --password-file FILE, or KV_PASSWORD, with the right ones; then a longer --timeout, or later"
	case client.Late(err):
		return cliutil.Unreachable, "a longer --timeout, or -n another leader; whether a write was done is not known"
	case client.HungUp(err):
		return cliutil.Unreachable, "-n another leader; whether a write was done is not known. A server that speaks TLS needs --tls-ca"
	case client.Away(err):
		return cliutil.Unreachable, "is a leader running there? -n HOST:PORT names another; kv context ls knows addresses"
	}
	return cliutil.Failed, ""
}

// Absent is the failure of a command whose key is not there.
func (k *Call) Absent(what string) error {
	return &cliutil.Problem{What: k.Subject(), Why: what, Next: WhereKeysAre, Code: cliutil.Absent}
}

// WhereKeysAre is the way on where a key is not there.
const WhereKeysAre = "kv scan lists the keys there are"
