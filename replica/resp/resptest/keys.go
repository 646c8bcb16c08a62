package resptest

import (
	"errors"
	"maps"
	"slices"

	"kvd/replica"
)

// Scan walks in key order; cursors are the last key looked at.
func (l *Leader) Scan(cursor string, n int, match func(string) bool) ([]string, string, error) {
	if n < 1 {
		return nil, "", errors.New("scan of no keys")
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	all := l.sorted()
	i, found := slices.BinarySearch(all, cursor)
	if found && cursor != "" {
		i++
	}
	var keys []string
	to := min(i+n, len(all))
	if to < len(all) && all[to-1] == "" {
		to++ // behind the empty key would be the begin
	}
	for _, k := range all[i:to] {
		if match == nil || match(k) {
			keys = append(keys, k)
		}
	}
	if to == len(all) {
		return keys, "", nil
	}
	return keys, all[to-1], nil
}

// Random draws among all keys that match admits.
func (l *Leader) Random(draw func(n int) int, match func(string) bool) (string, bool, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	all := slices.DeleteFunc(l.sorted(), func(key string) bool { return match != nil && !match(key) })
	if len(all) == 0 {
		return "", false, nil
	}
	return all[draw(len(all))], true, nil
}

func (l *Leader) sorted() []string {
	var all []string
	for k := range l.objects {
		if len(l.show(k).values) > 0 {
			all = append(all, k)
		}
	}
	slices.Sort(all)
	return all
}

// Find is the first key that fits, in key order.
func (l *Leader) Find(fits func(string) bool) (string, bool, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, k := range l.sorted() {
		if fits(k) {
			return k, true, nil
		}
	}
	return "", false, nil
}

// overBudget is the reply to a request whose values exceed its budget, nil if they do.
func overBudget(r *replica.Request, o object) *replica.Reply {
	b := r.Budget
	if b == nil || !b.Closed() && (!holds(r) || b.Take(replica.Bytes(o.values))) {
		return nil
	}
	rep := failed(r, replica.ErrBudget)
	return &rep
}

// holds reports whether the reply to r, or its author, holds what the key shows.
func holds(r *replica.Request) bool { return r.Verb == replica.Get && !r.Whether || r.Keeps }

// Snapshot reads as of the moment of the call.
func (l *Leader) Snapshot(use func(get func(*replica.Request) replica.Reply) error) error {
	objects := locked(l, func() map[string]object { return maps.Clone(l.objects) })
	return use(func(r *replica.Request) replica.Reply {
		o := objects[r.Key]
		if rep := overBudget(r, o); rep != nil {
			return *rep
		}
		return replica.Reply{Shown: o.reading()}
	})
}
