package live

import (
	"strconv"

	"kvd/replica/client/conn"
	"kvd/scenarios/script"
)

// answer is what came back for one attempt.
type answer struct {
	conn    *conn.Conn // to go on with; nil: broken
	got     got
	written written
	refused error
	lost    error // nothing came back
}

// ask sends a request and takes the answer down for the oracle, even one that the
// client no longer waits for.
func (c *client) ask(op operation, k *conn.Conn, to chan<- answer) {
	defer c.d.asking.Done()
	r := c.exchange(&op, k)
	if !op.Read {
		switch {
		case r.lost != nil:
			c.d.rec.Unanswered(c.identity(&op))
		case r.refused == nil:
			c.d.rec.Accepted(c.identity(&op), op.At, r.written.Acceptance)
		}
	}
	to <- r
}

// broken reports whether a connection is of no more use: anything but a refusal.
func broken(err error) bool { return err != nil && !conn.IsRefused(err) }

// writes is what the op behind a write holds.
func (op *operation) writes(w written) []string {
	switch {
	case op.Kind == script.OpDelete:
		return nil
	case op.Kind == script.OpSet:
		return []string{op.Value}
	case op.Exact:
		return []string{op.Made}
	}
	return []string{w.value}
}

// exchange is one command and its reply. A connection kept from before may have
// ended with its leader's process meanwhile; then the same request is sent on a
// new one, which changes nothing if it had arrived.
func (c *client) exchange(op *operation, k *conn.Conn) (a answer) {
	r, err := conn.Reply{}, error(nil)
	if k != nil {
		if r, err = k.Do(maxTimeout, op.command...); broken(err) {
			k.Close()
			k = nil
		}
	}
	if k == nil {
		if k, err = c.d.dial(op.At); err != nil {
			return answer{lost: err}
		}
		r, err = k.Do(maxTimeout, op.command...)
	}
	if broken(err) {
		k.Close()
		return answer{lost: err}
	}
	if err != nil {
		return answer{conn: k, refused: err}
	}
	a.conn = k
	if op.Read {
		a.got, err = readGot(r)
	} else {
		a.written, err = readWritten(r)
		a.written.Values = op.writes(a.written)
	}
	if err != nil {
		a.refused = err
		c.d.fail(err)
	}
	return a
}

// command is the present request as a leader takes it.
func (c *client) command(op *operation) []string {
	var words []string
	token := c.token
	switch {
	case op.Read:
		words = []string{"KVD.GET", op.Key}
	case op.Kind == script.OpSet:
		words = []string{"KVD.SET", op.Key, op.Value}
	case op.Kind == script.OpDelete:
		words = []string{"KVD.DEL", op.Key}
	case op.Exact:
		words, token = []string{"KVD.SET", op.Key, op.Made}, op.token
	default:
		words = []string{"KVD.INCR", op.Key, strconv.FormatInt(op.Amount, 10)}
	}
	if token != "" {
		words = append(words, "TOKEN", token)
	}
	if !op.Read {
		words = append(words, "REQUEST", strconv.FormatUint(c.id, 10), strconv.FormatUint(op.Number, 10))
	}
	return append(words, "EVIDENCE")
}
