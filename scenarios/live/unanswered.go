package live

import (
	"fmt"
	"strconv"

	"kvd/logical"
	"kvd/replica/client/conn"
)

// findUnanswered searches a leader's log for writes whose replies
// nobody saw: they may have been accepted all the same.
func (d *driver) findUnanswered(alive []string) error {
	keys := d.rec.Unknown()
	if len(keys) == 0 || len(alive) == 0 {
		return nil
	}
	k, err := d.dial(alive[0])
	if err != nil {
		return err
	}
	defer k.Close()
	homes, err := d.homes(k)
	if err != nil {
		return err
	}
	for _, key := range keys {
		if err := d.recall(k, key, homes); err != nil {
			return fmt.Errorf("the history of %q: %w", key, err)
		}
	}
	return nil
}

// recall takes a key's history for acceptances that are not known yet.
func (d *driver) recall(k *conn.Conn, key string, homes map[logical.Origin]string) error {
	r, err := k.Do(maxTimeout, "KVD.HISTORY", key, "COUNT", "1000")
	if err != nil {
		return err
	}
	ops, err := readHistory(r)
	if err != nil {
		return err
	}
	for _, op := range ops {
		d.rec.Accepted(op.Identity, homes[op.Dot.Origin], op.Acceptance)
	}
	return nil
}

// homes says whose an origin is: by the writes whose replies were seen, and by
// what gossip says of the present.
func (d *driver) homes(k *conn.Conn) (map[logical.Origin]string, error) {
	r, err := k.Do(maxTimeout, "KVD.MEMBERS")
	if err != nil {
		return nil, err
	}
	homes := d.rec.Homes()
	for _, m := range r.Items {
		if o, err := strconv.ParseUint(m.Field("origin").Text, 16, 64); err == nil {
			homes[logical.Origin(o)] = m.Field("name").Text
		}
	}
	return homes, nil
}
