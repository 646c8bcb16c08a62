package node

import (
	"strings"

	"kvd/replica"
	"kvd/replica/console"
	"kvd/replica/host"
)

// refusals is why writes are refused, by cause; none: they are accepted.
func (l *Leader) refusals() []console.Reason {
	var all []console.Reason
	for _, r := range l.loop.Status().Refusals {
		all = append(all, console.Reason{Cause: console.Cause(r.Cause), Detail: r.Detail})
	}
	return all
}

// refusedFor is the causes alone, for INFO; "none": writes are accepted.
func (l *Leader) refusedFor() string {
	var causes []string
	for _, r := range l.refusals() {
		causes = append(causes, string(r.Cause))
	}
	if len(causes) == 0 {
		return "none"
	}
	return strings.Join(causes, ",")
}

// halted logs, once, that the disk failed. The leader serves reads until it is stopped.
func (l *Leader) halted(why error) {
	l.cfg.Logger.Error("the disk failed: takes no writes, applies nothing and sends nothing; what was acknowledged before is read on", "leader", l.cfg.Name, "cause", string(host.DiskFailed), "why", why.Error())
}

// logRefusal says when writes begin to be refused, and when they are taken again.
func (l *Leader) logRefusal(e replica.Event) {
	switch e := e.(type) {
	case replica.WritesRefused:
		l.cfg.Logger.Error("takes no writes", "leader", l.cfg.Name, "cause", string(e.Why.Cause), "why", e.Why.Detail)
	case replica.WritesAllowed:
		l.cfg.Logger.Info("a reason to refuse writes is gone", "leader", l.cfg.Name, "cause", string(e.Cause), "left", e.Left)
	}
}
