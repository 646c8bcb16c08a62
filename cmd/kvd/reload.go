package main

import (
	"fmt"
	"io"
	"slices"

	"github.com/urfave/cli/v2"

	"kvd/replica/node"
)

// running is a leader's configuration while it serves, and how to read it again.
type running struct {
	c   *cli.Context
	cfg *serving
	all []effective // what cfg was made of
}

// reload reads the configuration again, and takes over what can change while a leader
// serves: users, certificates and the log level. All of it is read before any of it
// counts; on a failure all stays as it was.
func (r *running) reload(l *node.Leader) {
	log := r.cfg.Logger.With("leader", l.Name())
	all, err := gather(r.c, "")
	var fresh *serving
	if err == nil {
		fresh, err = configured(all, io.Discard)
	}
	if err != nil {
		log.Error("the configuration was read again and is refused; what was read before stays", "why", err.Error())
		return
	}
	r.cfg.level.Set(fresh.logLevel)
	attrs := []any{"log-level", fresh.logLevel.String()}
	if r.cfg.TLS != nil && fresh.TLS != nil {
		r.cfg.TLS.Adopt(fresh.TLS)
		attrs = append(attrs, "certificates", "read")
	}
	if r.cfg.Users != nil && fresh.Users != nil {
		r.cfg.Users.Adopt(fresh.Users)
		attrs = append(attrs, "users", r.cfg.Users.Len(), "connections-closed", l.Expel())
	}
	log.Warn("the configuration was read again", attrs...) // at every level but error: somebody asked for it
	if waits := r.waiting(all); len(waits) > 0 {
		log.Warn("some settings have changed that count from the next start on", "settings", fmt.Sprint(waits))
	}
}

// waiting is the settings that have changed and do not change a leader that serves.
func (r *running) waiting(fresh []effective) []string {
	on := func(all []effective, name string) bool {
		return slices.ContainsFunc(all, func(e effective) bool { return e.name == name && e.text() != "" })
	}
	var waits []string
	for i, e := range fresh {
		taken := e.name == "log-level"
		switch e.name {
		case "users-file", "tls-cert", "tls-key", "tls-ca":
			taken = on(r.all, e.name) && on(fresh, e.name)
		}
		if !taken && e.text() != r.all[i].text() {
			waits = append(waits, e.name)
		}
	}
	return waits
}
