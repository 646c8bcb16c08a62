package live

import (
	"fmt"
	"slices"
	"strconv"

	"kvd/logical"
)

// remember looks in the leaders' logs for writes whose replies nobody saw: they
// may have been accepted all the same.
func (d *driver) remember(alive []string) error {
	missing := d.rec.missing()
	if len(missing) == 0 || len(alive) == 0 {
		return nil
	}
	k, err := d.dial(alive[0])
	if err != nil {
		return err
	}
	defer k.close()
	homes, err := d.homes(k)
	if err != nil {
		return err
	}
	var keys []string
	for _, w := range missing {
		keys = append(keys, w.key)
	}
	slices.Sort(keys)
	for _, key := range slices.Compact(keys) {
		if err := d.recall(k, key, homes); err != nil {
			return fmt.Errorf("the history of %q: %w", key, err)
		}
	}
	return nil
}

// recall takes a key's history for births that are not known yet.
func (d *driver) recall(k *conn, key string, homes map[logical.Origin]string) error {
	r, err := k.do(maxPatience, "KVD.HISTORY", key, "COUNT", "1000")
	if err != nil {
		return err
	}
	ops, err := readHistory(r)
	if err != nil {
		return err
	}
	for _, op := range ops {
		w := written{dot: op.dot, over: op.over, delta: op.delta, wall: op.wall, unseen: true}
		d.rec.born(identity{op.client, op.number}, homes[op.dot.Origin], w, nil)
	}
	return nil
}

// homes says whose an origin is: by the writes whose replies were seen, and by
// what gossip says of the present.
func (d *driver) homes(k *conn) (map[logical.Origin]string, error) {
	r, err := k.do(maxPatience, "KVD.MEMBERS")
	if err != nil {
		return nil, err
	}
	homes := d.rec.homes()
	for _, m := range r.items {
		if o, err := strconv.ParseUint(m.field("origin").text, 16, 64); err == nil {
			homes[logical.Origin(o)] = m.field("name").text
		}
	}
	return homes, nil
}
