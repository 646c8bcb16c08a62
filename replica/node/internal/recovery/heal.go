package recovery

import (
	"fmt"
	"strings"
	"time"

	"kvd/logical"
	"kvd/replica"
	"kvd/replica/console"
	"kvd/replica/host"
)

// Stretch is ops of one origin in a row.
type Stretch struct {
	Origin   logical.Origin
	From, To logical.Seq
}

// Ops is how many.
func (s *Stretch) Ops() int { return int(s.To - s.From + 1) }

func missing(claimed, f logical.Frontier) []Stretch {
	var out []Stretch
	for last := range claimed.All() {
		if have := f.At(last.Origin); have < last.Seq {
			out = append(out, Stretch{Origin: last.Origin, From: have + 1, To: last.Seq})
		}
	}
	return out
}

func (d *Disk) missing() []Stretch { return missing(d.claimed, d.loop.Frontier()) }

// MissingOps is how many ops the log had and has not now.
func (d *Disk) MissingOps() (n int) {
	for _, s := range d.missing() {
		n += s.Ops()
	}
	return n
}

const maxNamed = 8

func sentence(all []Stretch) string {
	var b strings.Builder
	n := 0
	for i, s := range all {
		if n += s.Ops(); i < maxNamed {
			fmt.Fprintf(&b, ", %s from %d to %d", s.Origin, s.From, s.To)
		}
	}
	if len(all) > maxNamed {
		fmt.Fprintf(&b, ", and of %d origins more", len(all)-maxNamed)
	}
	return fmt.Sprintf("%d ops that the log held are missing, or wait for one that is%s", n, b.String())
}

// Follow says which loop the store is behind from now on.
func (d *Disk) Follow(loop *host.Loop) { d.loop = loop }

// Heal says what is missing, and lets block keep clients away while others may bring
// it. It returns what is to be run until all is back; nil: nothing is missing.
func (d *Disk) Heal(block func(console.Cause, func() (string, console.Progress)) (release func())) (run func()) {
	lost := d.missing()
	if len(lost) == 0 {
		return nil
	}
	d.cfg.Logger.Error("the store is damaged: "+sentence(lost), "leader", d.cfg.Name, "why", d.cause, "next", "others that have them send them; nobody need do anything")
	release := func() {}
	if total := d.MissingOps(); len(d.cfg.Members()) > 0 && !d.cfg.Serve {
		release = block(console.Repairing, func() (string, console.Progress) {
			left := d.missing()
			return sentence(left) + "; they are fetched from the others", console.Progress{Done: uint64(total - d.MissingOps()), Total: uint64(total)}
		})
	}
	return func() { d.untilHealed(release) }
}

// healEvery is how often a damaged leader checks what has come back.
const healEvery = 50 * time.Millisecond

func (d *Disk) untilHealed(release func()) {
	tick := time.NewTicker(healEvery)
	defer tick.Stop()
	for {
		select {
		case <-d.loop.Done():
			return
		case <-tick.C:
		}
		if err := d.feedSalvaged(); err != nil {
			d.store.NoteDamage(err)
		}
		if len(d.missing()) == 0 && d.salvaged == nil {
			release()
			d.cfg.Logger.Warn("everything that the damaged store had lost has come back", "leader", d.cfg.Name)
			return
		}
		if d.nobodyHas(d.missing()) {
			release()
		}
	}
}

// fedTimeout is how long a loop has to apply what it was handed. What it turned away
// it never applies.
const fedTimeout = time.Second

// feedSalvaged hands the loop what can be applied by now, a part after the other.
func (d *Disk) feedSalvaged() error {
	if d.salvaged == nil || !d.loop.Frontier().Covers(d.fed) && time.Since(d.fedAt) < fedTimeout {
		return nil
	}
	ops, err := d.salvaged.Next(d.loop.Frontier())
	if err != nil {
		return err
	}
	if len(ops) > 0 {
		d.fed, d.fedAt = ops[len(ops)-1].Dot, time.Now()
		d.loop.Deliver(replica.Recovered{Ops: ops})
		return nil
	}
	more, err := d.salvaged.Drop(d.loop.Frontier())
	if err == nil && !more {
		d.salvaged = nil
	}
	return err
}

// nobodyHas reports whether everybody who was known has been heard, and none of
// them has what is next missing: then waiting does not bring it.
func (d *Disk) nobodyHas(lost []Stretch) bool {
	heard := map[string]bool{}
	for _, p := range d.loop.Status().Peers {
		if p.Origin == 0 {
			continue
		}
		heard[string(p.Peer)] = true
		for _, s := range lost {
			if p.Known.At(s.Origin) >= s.From {
				return false
			}
		}
	}
	for _, name := range d.cfg.Members() {
		if !heard[name] {
			return false
		}
	}
	return true
}

// Trouble is why the store is not as it should be; empty: it is.
func (d *Disk) Trouble() string {
	switch lost := d.missing(); {
	case len(lost) > 0 && d.nobodyHas(lost):
		return sentence(lost) + "; everybody who is known was heard, and nobody has the next of them: write anew what was in them, and have clients sent here with --serve-damaged"
	case len(lost) > 0:
		return sentence(lost) + "; others that have them send them, and whoever was not heard yet may"
	}
	if err := d.store.Damage(); err != nil {
		return fmt.Sprintf("a part of the store cannot be read, and the rest is served: %v; start the leader again: it makes the store anew from what can be read, and fetches the rest from the others", err)
	}
	return ""
}

// Doubt is why the last origin must not be resumed: what the store, whose log reaches
// as far as f, lacks may have gone to others under it. Nil: the store is whole.
func (d *Disk) Doubt(f logical.Frontier) error {
	if lost := missing(d.claimed, f); d.cause != "" || len(lost) > 0 {
		return fmt.Errorf("the store was damaged: %s; what it lacks may have gone to others under the origin", sentence(lost))
	}
	return d.store.Damage()
}
