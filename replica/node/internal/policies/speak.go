package policies

import (
	"bufio"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"time"

	"kvd/replica"
)

// What one leader asks of another, on a connection of their own: a line of JSON each. The
// connection is the change: what is held back for it is let go when it ends.
type question struct {
	Do   string  `json:"do"` // tell, try, hold or adopt
	To   Version `json:"to,omitzero"`
	Base *string `json:"base,omitempty"` // of try: what it is to serve under now
}

// reply answers it. One that says Wait is followed by another.
type reply struct {
	Wait    bool    `json:"wait,omitempty"`
	Why     string  `json:"why,omitempty"`     // why not
	Version Version `json:"version,omitzero"`  // that the leader serves under
	Applied uint64  `json:"applied,omitempty"` // digest of what it has applied
}

// lineBytes is what a line has at most: two policies, with every byte escaped.
const lineBytes = 1 << 20

// waitEvery is how often a leader says that it is still reading its keys.
const waitEvery = time.Second

// Serve takes a connection of another leader. It does not block.
func (s *Service) Serve(from replica.Leader, c net.Conn) {
	if !s.spawn(func() { s.serve(from, c) }) {
		_ = c.Close()
	}
}

func (s *Service) serve(from replica.Leader, conn net.Conn) {
	stop := context.AfterFunc(s.ctx, func() { _ = conn.Close() })
	defer stop()
	defer conn.Close()
	c := &session{Service: s, by: string(from)}
	defer func() {
		if c.finish() {
			s.cfg.Again()
		}
	}()
	lines := scan(conn)
	for lines.Scan() {
		var q question
		if json.Unmarshal(lines.Bytes(), &q) != nil {
			return
		}
		answer, err := c.answer(conn, &q)
		if err != nil || send(conn, answer) != nil {
			return
		}
		if q.Do == "adopt" && answer.Why == "" {
			return
		}
	}
}

// answer waits for what is asked. An error says that nobody listens any more.
func (c *session) answer(conn io.Writer, q *question) (reply, error) {
	ctx, cancel := context.WithCancel(c.ctx)
	defer cancel()
	done := make(chan reply, 1)
	go func() { done <- c.do(ctx, q) }()
	tick := time.NewTicker(waitEvery)
	defer tick.Stop()
	for {
		select {
		case r := <-done:
			return r, nil
		case <-tick.C:
			if err := send(conn, reply{Wait: true}); err != nil {
				cancel()
				<-done
				return reply{}, err
			}
		}
	}
}

func (c *session) do(ctx context.Context, q *question) reply {
	r := reply{Version: c.cfg.Version}
	var err error
	switch q.Do {
	case "tell":
	case "try":
		err = c.try(ctx, q.To, q.Base)
	case "hold":
		f, why := c.hold(ctx)
		r.Applied, err = f.Digest(), why
	case "adopt":
		err = c.adopt(q.To)
	default:
		err = fmt.Errorf("%.32q is nothing that this version of the program does", q.Do)
	}
	if err != nil {
		r.Why = fmt.Sprintf("%.4000s", cmp.Or(err.Error(), "it does not say why"))
	}
	return r
}

func scan(r io.Reader) *bufio.Scanner {
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, lineBytes)
	return lines
}

func send(w io.Writer, v any) error {
	text, err := json.Marshal(v)
	if err == nil {
		_, err = w.Write(append(text, '\n'))
	}
	return err
}

// remote is another leader, as one that takes part.
type remote struct {
	name  string
	conn  net.Conn
	lines *bufio.Scanner
	stop  func() bool
}

// refusedBy is what another leader answers against a change; every other error means that it does not
// answer.
type refusedBy struct{ leader, why string }

func (r *refusedBy) Error() string { return r.leader + " refuses: " + r.why }

// dial connects to another leader, until ctx is done.
func (s *Service) dial(ctx context.Context, name string) (*remote, error) {
	conn, err := s.cfg.Dial(ctx, replica.Leader(name))
	if err != nil {
		return nil, err
	}
	return &remote{name: name, conn: conn, lines: scan(conn), stop: context.AfterFunc(ctx, func() { _ = conn.Close() })}, nil
}

func (r *remote) ask(q question) (reply, error) {
	if err := send(r.conn, q); err != nil {
		return reply{}, err
	}
	for r.lines.Scan() {
		var a reply
		if err := json.Unmarshal(r.lines.Bytes(), &a); err != nil {
			return reply{}, err
		}
		switch {
		case a.Wait:
		case a.Why != "":
			return a, &refusedBy{r.name, a.Why}
		default:
			return a, nil
		}
	}
	return reply{}, cmp.Or(r.lines.Err(), errors.New("it hung up"))
}

func (r *remote) close() {
	r.stop()
	_ = r.conn.Close()
}
