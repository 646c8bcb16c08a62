package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"kvd/cmd/internal/cliutil"
	"kvd/cmd/internal/whatif"
	"kvd/logical"
	"kvd/resolve"
	"kvd/resolve/replay"
	historyfile "kvd/storage/history"
	"kvd/wallclock"
)

func whatIfSpecs() []spec {
	return []spec{
		{name: "whatif", usage: "judge the recorded writes by every resolver", least: 0, most: 0, do: whatIf, flags: whatif.Flags(),
			about: "Reads one leader's log, up to what it has applied now, and replays it here: what each\nresolver would keep and lose, which keys would show something else, and what lww would\nlose with worse clocks. The leader only sends its log, a page at a time.\n\nExamples:\n   kv whatif --resolvers lww,siblings --prefix cart:\n   kv whatif --skew none --differences 100 -o json"},
		exportSpec(),
	}
}

// past is one leader's history as it stands.
type past struct {
	whatif.Subject
	ctx    context.Context // ends with close
	cancel context.CancelFunc
	log    *remote
	names  []historyfile.Name // whose the origins are that members live under now
}

func (p *past) close() {
	p.cancel()
	p.log.close()
}

// past asks the leader for its frontier and its policy. Nothing of the log is
// read yet. Close it. From here on the process gives way to leaders beside it.
func (k *call) past(prefix string) (*past, error) {
	if err := cliutil.StepBack(); err != nil {
		k.say(err.Error() + "; a leader on this machine may feel it")
	}
	l, err := k.leader()
	if err != nil {
		return nil, err
	}
	upTo, err := k.frontier(l)
	if err != nil {
		return nil, err
	}
	policy, err := k.policy(l)
	if err != nil {
		return nil, err
	}
	p := &past{Subject: whatif.Subject{Policy: policy, Leader: l.Name, At: wallclock.Instant(time.Now().UnixNano()), Prefix: prefix, UpTo: upTo}}
	p.ctx, p.cancel = context.WithCancel(k.ctx())
	p.log = newRemote(p.ctx, l, prefix, upTo)
	p.Source = replay.Merge(p.log, upTo, prefix)
	if prefix == "" { // how many of them have it is not known
		p.Ops = opsOf(upTo)
	}
	p.meet(k, l)
	return p, nil
}

// meet learns who there is, which is good to know and not needed.
func (p *past) meet(k *call, l *leader) {
	all, err := l.members(k)
	if err != nil {
		k.say("whose the origins are is not known: " + err.Error())
	}
	for _, m := range all {
		if m.RESP == l.Addr {
			p.Leader = m.Name
		}
		if d, err := logical.ParseDot(m.Origin + "-1"); err == nil && m.Name != "" {
			p.names = append(p.names, historyfile.Name{Origin: d.Origin, Leader: m.Name})
		}
	}
}

// opsOf is how many ops a frontier covers.
func opsOf(f logical.Frontier) int {
	n := 0
	for d := range f.All() {
		n += int(d.Seq)
	}
	return n
}

// frontier is what the leader has durably applied.
func (k *call) frontier(l *leader) (f logical.Frontier, err error) {
	r, err := l.do(k.ctx(), "KVD.FRONTIER")
	if err != nil {
		return f, err
	}
	for i := 0; i+1 < len(r.items); i += 2 {
		d, err := logical.ParseDot(r.items[i].text + "-" + r.items[i+1].text)
		if err != nil {
			return f, &refusal{l, "KVD.FRONTIER", err}
		}
		f.Advance(d)
	}
	return f, nil
}

// policy is who serves and who watches at the leader.
func (k *call) policy(l *leader) (p resolve.Policy, err error) {
	r, err := l.do(k.ctx(), "KVD.POLICY")
	if err != nil {
		return p, err
	}
	if p.Default, err = resolve.ParseID(r.field("default").text); err != nil {
		return p, &refusal{l, "KVD.POLICY", err}
	}
	for _, name := range r.field("shadows").texts() {
		id, err := resolve.ParseID(name)
		if err != nil {
			return p, &refusal{l, "KVD.POLICY", err}
		}
		p.Shadows |= id.Mask()
	}
	rules := r.field("rules").items
	for i := 0; i+1 < len(rules); i += 2 {
		id, err := resolve.ParseID(rules[i+1].text)
		if err != nil {
			return p, &refusal{l, "KVD.POLICY", err}
		}
		p.Rules = append(p.Rules, resolve.Rule{Prefix: rules[i].text, Resolver: id})
	}
	if err := p.Validate(); err != nil {
		return p, &refusal{l, "KVD.POLICY", err}
	}
	return p, nil
}

func whatIf(k *call) error {
	asked, err := whatif.Asked(k.Context)
	if err != nil {
		return err
	}
	p, err := k.past(asked.Prefix)
	if err != nil {
		return err
	}
	defer p.close()
	report, err := asked.Study(p.ctx, p.Subject, k.farRead(p.Ops))
	k.clear()
	if err != nil {
		return noLog(k, err)
	}
	if k.String("output") != "table" {
		return k.out.put(reported{report})
	}
	for i := range report.Outcomes {
		if err := k.out.put(verdictOf{&report.Outcomes[i]}); err != nil {
			return err
		}
	}
	return nil
}

// farRead tells how far reading is; of zero is not known.
func (k *call) farRead(of int) func(pass, ops int) {
	progress := cliutil.NewProgress(k.App.ErrWriter)
	if k.quiet {
		progress = cliutil.Progress{}
	}
	return func(pass, ops int) {
		text := fmt.Sprintf("read %d ops", ops)
		if of > 0 {
			text += fmt.Sprintf(" of %d", of)
		}
		if pass > 1 {
			text += fmt.Sprintf(", for the %d. time", pass)
		}
		progress.Say(text)
	}
}

// noLog says it plainly where a server cannot be asked for its log.
func noLog(k *call, err error) error {
	if unknown(err) {
		return &cliutil.Problem{What: k.subject(), Why: "this server has no KVD.LOG: it keeps the writes and does not give them away", Next: "a newer one does"}
	}
	return err
}

// reported is a whole report as a record.
type reported struct{ *whatif.Report }

func (r reported) text(*printer) string { return r.Text() }
func (r reported) columns() []string    { return whatif.Columns() }
func (r reported) cells() []string      { return nil }
func (r reported) raw() string {
	var b strings.Builder
	for i := range r.Outcomes {
		fmt.Fprintf(&b, "%s %d\n", r.Outcomes[i].Resolver, r.Outcomes[i].Lost())
	}
	return b.String()
}

// verdictOf is one resolver of it.
type verdictOf struct{ *replay.Outcome }

func (j verdictOf) text(*printer) string { return strings.Join(j.cells(), "  ") }
func (j verdictOf) columns() []string    { return whatif.Columns() }
func (j verdictOf) cells() []string      { return whatif.Cells(j.Outcome) }
func (j verdictOf) raw() string          { return fmt.Sprint(j.Lost()) }
