package live

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/cespare/xxhash/v2"

	"kvd/logical"
	"kvd/replica/client/conn"
	"kvd/resolve"
	"kvd/scenarios/history"
	"kvd/scenarios/script"
	"kvd/scenarios/world"
)

// How often leaders are asked what they have applied: often when something waits
// for the answer.
const (
	closePoll = time.Millisecond
	widePoll  = 20 * time.Millisecond
)

func polling(s *script.Scenario) time.Duration {
	for _, e := range s.Events {
		if t, ok := e.Trigger.(script.After); ok && t.SeenBy != "" {
			return closePoll
		}
	}
	for _, c := range s.Checks {
		if c.Name == script.CheckVisible {
			return closePoll
		}
	}
	return widePoll
}

// watch asks a leader what it has applied until the context ends.
func (d *driver) watch(ctx context.Context, leader string, every time.Duration) {
	var k *conn.Conn
	for ctx.Err() == nil {
		asked := d.rec.Now()
		f, err := d.ask(&k, leader)
		if err == nil {
			d.rec.Polled(leader, asked, f)
			d.applied(leader, f)
		}
		if !sleep(ctx, every) {
			break
		}
	}
	if k != nil {
		k.Close()
	}
}

// ask gets a leader's frontier; a leader that does not run has none.
func (d *driver) ask(k **conn.Conn, leader string) (logical.Frontier, error) {
	var err error
	if *k == nil {
		if *k, err = d.dial(leader); err != nil {
			*k = nil
			return logical.Frontier{}, err
		}
	}
	r, err := (*k).Do(dialTime, "KVD.FRONTIER")
	if err != nil {
		(*k).Close()
		*k = nil
		return logical.Frontier{}, err
	}
	return readFrontier(r)
}

// settle waits until the leaders have applied the same, or until the timeout.
func (d *driver) settle(ctx context.Context, alive []string, timeout time.Duration) {
	for end := time.Now().Add(timeout); ctx.Err() == nil && time.Now().Before(end) && !d.level(alive); {
		d.wait(ctx, widePoll)
	}
}

func (d *driver) level(alive []string) bool {
	var first logical.Frontier
	for i, n := range alive {
		var k *conn.Conn
		asked := d.rec.Now()
		f, err := d.ask(&k, n)
		if err != nil {
			return false
		}
		k.Close()
		d.rec.Polled(n, asked, f)
		if i == 0 {
			first = f
		} else if first.Compare(f) != logical.Equal {
			return false
		}
	}
	return true
}

// inspection is what the leaders hold in the end.
type inspection struct {
	nodes  []world.Node
	values map[string]map[string][]string
	shown  []shown
}

// shown is what a leader shows of a key.
type shown struct {
	leader, key string
	history.Reading
}

// maxRows is the most that a leader answers of its ledger.
const maxRows = 10_000

func (d *driver) inspect(alive, keys []string) (*inspection, error) {
	in := &inspection{values: map[string]map[string][]string{}}
	for _, n := range alive {
		k, err := d.dial(n)
		if err != nil {
			return nil, fmt.Errorf("inspect %s: %w", n, err)
		}
		node, err := d.inspectOne(in, k, n, keys)
		k.Close()
		if err != nil {
			return nil, fmt.Errorf("inspect %s: %w", n, err)
		}
		in.nodes = append(in.nodes, node)
	}
	return in, nil
}

func (d *driver) inspectOne(in *inspection, k *conn.Conn, leader string, keys []string) (world.Node, error) {
	node := world.Node{Name: leader}
	f, err := k.Do(maxTimeout, "KVD.FRONTIER")
	if err != nil {
		return node, err
	}
	front, err := readFrontier(f)
	if err != nil {
		return node, err
	}
	node.Frontier = front.String()
	in.values[leader] = map[string][]string{}
	digest := xxhash.New()
	for _, key := range keys {
		g, err := get(k, key)
		if err != nil {
			return node, err
		}
		in.values[leader][key] = append([]string{}, g.reading.Values...)
		in.shown = append(in.shown, shown{leader, key, g.reading})
		fmt.Fprintf(digest, "%q %v %q\n", key, slices.SortedFunc(slices.Values(g.reading.Dots), logical.Dot.Compare), g.reading.Values)
	}
	node.Digest = digest.Sum64()
	node.Losses, err = losses(k)
	return node, err
}

func get(k *conn.Conn, key string) (got, error) {
	r, err := k.Do(maxTimeout, "KVD.GET", key, "EVIDENCE")
	if err != nil {
		return got{}, err
	}
	return readGot(r)
}

// losses is the whole ledger, every resolver's, page by page.
func losses(k *conn.Conn) ([]resolve.Loss, error) {
	var all []resolve.Loss
	words := []string{"KVD.LOSSES", "RESOLVER", "all", "COUNT", strconv.Itoa(maxRows)}
	for page := words; ; {
		r, err := k.Do(maxTimeout, page...)
		if err != nil {
			return nil, err
		}
		rows, err := readLosses(r.Field("rows"))
		if err != nil {
			return nil, err
		}
		all = append(all, rows...)
		next := r.Field("next")
		if !present(next) {
			return all, nil
		}
		page = append(slices.Clone(words), "AFTER", next.Text)
	}
}

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
