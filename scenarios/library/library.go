// Package library is the scenarios that ship. Each is one file named after the
// phenomenon; its head says what happens and why it must.
package library

import (
	"embed"
	"fmt"
	"io/fs"
	"strings"

	"kvd/scenarios/script"
)

//go:embed *.txtar
var files embed.FS

// order is the order of telling: from one lost update to whole clusters.
var order = [...]string{
	"ddia-8-3", "three-way-increment", "hot-set", "clock-step-back", "poisoned-key", "poisoned-delete",
	"doomed-accept", "doomed-refuse", "doomed-lift",
	"ntp-step", "lying-bound", "drift-alone", "live-migration", "falseticker", "quarantine-and-return",
	"commit-wait", "commit-wait-lying", "ttl-and-a-fast-clock", "incr-beside-expire", "touch-beside-set",
	"equal-stamps", "strobing-clock", "delete-against-update", "mass-deletes", "minority-side", "relay", "lossy-links",
	"lost-reply", "stale-session", "cause-before-effect", "crash-before-ack", "lost-disk", "old-backup",
	"rollback-unseen", "cloned-directory", "long-absence", "outpaced", "forget-and-return", "resurrection",
	"full-disk", "log-rot",
	"two-generals", "lease-without-fencing", "lease-with-fencing", "paused-leader", "split-lock", "retried-acquire", "redlock-shape",
}

// Names lists the scenarios in the order of telling.
func Names() []string { return append([]string(nil), order[:]...) }

// Source is the text of a scenario as it ships.
func Source(name string) ([]byte, error) {
	b, err := fs.ReadFile(files, name+".txtar")
	if err != nil {
		return nil, fmt.Errorf("no scenario is called %q; there are %s", name, strings.Join(order[:], ", "))
	}
	return b, nil
}

// Find is the scenario of that name.
func Find(name string) (*script.Scenario, error) {
	b, err := Source(name)
	if err != nil {
		return nil, err
	}
	return script.Parse(name+".txtar", b)
}

// All is every scenario in the order of telling.
func All() ([]*script.Scenario, error) {
	var all []*script.Scenario
	for _, name := range order {
		s, err := Find(name)
		if err != nil {
			return nil, err
		}
		all = append(all, s)
	}
	return all, nil
}
