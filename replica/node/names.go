package node

import "kvd/logical"

func (l *Leader) nameOf(o logical.Origin) string { return l.origins.Leader(o) }

// nameOwn learns our own origins, which the store remembers.
func (l *Leader) nameOwn() error {
	origins, err := l.store.Incarnations()
	for _, o := range append(origins, l.origin) {
		l.origins.Learn(o, l.cfg.Name)
	}
	return err
}

// keepNames writes them beside the members. Nothing but answers to people needs them.
func (l *Leader) keepNames() {
	if !l.onDisk() {
		return
	}
	if err := l.origins.Write(l.cfg.Dir); err != nil {
		l.cfg.Logger.Warn("names are not remembered", "leader", l.cfg.Name, "why", err.Error())
	}
}
