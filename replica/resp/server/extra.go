package server

import (
	"context"
	"maps"
	"slices"
	"time"

	"kvd/logical"
	"kvd/replica/acl"
	"kvd/replica/resp"
)

// Extra is a command that only whoever assembles the leader can answer. It runs
// on the connection's goroutine, after everything before it on the connection
// was answered, and never in a transaction.
type Extra struct {
	Arity   int // arguments with the name; -n: at least n
	Needs   acl.Roles
	Key     int    // which argument is a key; zero: none. Run checks keys that it finds otherwise, by acl.Of
	Summary string // one sentence, for COMMAND DOCS
	Loading bool   // allowed while the leader does not serve yet: its answer is right without the data
	// Run writes the reply. The arguments, the name first, are valid for the
	// call. On an error it must have written nothing; the client is told the
	// error's text, with ERR before it unless it was made by Refuse. The context
	// ends when nobody waits for the answer any more: the connection was cut, the
	// client hung up, or the server drains.
	Run func(ctx context.Context, args [][]byte, w *resp.Writer) error
	// Holds is how many bytes Run may hold of what it has not yet written, which are
	// taken from the memory of all clients before.
	Holds int64
	// Write takes the place of Run for a command that changes a key: it answers
	// also the dot that it wrote, which WAIT waits for.
	Write func(ctx context.Context, args [][]byte, w *resp.Writer) (logical.Dot, error)
}

// extraCommands is rows for the table, by name.
func extraCommands(extra map[string]Extra) []Command {
	rows := make([]Command, 0, len(extra))
	for _, name := range slices.Sorted(maps.Keys(extra)) {
		e := extra[name]
		row := Command{Name: name, Group: "kvd", Arity: e.Arity, Flags: Read | Exclusive | NoMulti, Needs: e.Needs, Since: "1.0.0", Summary: e.Summary}
		if e.Write != nil {
			row.Flags ^= Read | Write
		}
		if e.Loading {
			row.Flags |= WhileLoading
		}
		if (e.Run == nil) != (e.Write == nil) {
			row.Run = func(k *Call) error { return k.runExtra(e) }
		}
		if e.Key > 0 {
			row.Keys = KeySpec{e.Key, e.Key, 1}
		}
		rows = append(rows, row)
	}
	return rows
}

func (k *Call) runExtra(e Extra) error {
	if err := k.conn.reserve(e.Holds, k.conn.srv.cfg.Arrive); err != nil {
		return err
	}
	defer k.conn.giveBack(e.Holds)
	ctx, end := k.conn.awaited()
	defer end()
	ctx = acl.With(ctx, k.conn.rights())
	if e.Run != nil {
		return e.Run(ctx, k.Args, k.Out)
	}
	d, err := e.Write(ctx, k.Args, k.Out)
	if err == nil && !d.IsZero() {
		k.conn.wrote = d
	}
	return err
}

// lookForClient is how often is looked whether the client of a command that takes
// long is still there.
const lookForClient = time.Second

// awaited is a context that ends when nobody waits for an answer any more. The
// connection's goroutine does not read meanwhile, so that a client has hung up is
// looked for. No goroutine is left once end has returned.
func (c *conn) awaited() (ctx context.Context, end func()) {
	ctx, cancel := context.WithCancel(context.Background())
	over := make(chan struct{})
	go func() {
		defer close(over)
		defer cancel()
		look := time.NewTicker(lookForClient)
		defer look.Stop()
		for {
			select {
			case <-look.C:
				if hungUp(c.nc) {
					return
				}
			case <-c.severed:
				return
			case <-c.srv.draining:
				return
			case <-ctx.Done():
				return
			}
		}
	}()
	return ctx, func() { cancel(); <-over }
}
