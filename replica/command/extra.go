package command

import (
	"context"
	"maps"
	"slices"

	"kvd/logical"
	"kvd/replica/acl"
	"kvd/replica/resp"
	"kvd/replica/resp/server"
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

func extraCommands(extra map[string]Extra) []server.Command {
	rows := make([]server.Command, 0, len(extra))
	for _, name := range slices.Sorted(maps.Keys(extra)) {
		e := extra[name]
		row := server.Command{
			Name: name, Arity: e.Arity, Flags: server.Read | server.Exclusive | server.NoMulti, Needs: e.Needs, Since: "1.0.0", Summary: e.Summary,
		}
		if e.Write != nil {
			row.Flags ^= server.Read | server.Write
		}
		if e.Loading {
			row.Flags |= server.WhileLoading
		}
		if (e.Run == nil) != (e.Write == nil) {
			row.Run = e.run
		}
		if e.Key > 0 {
			row.Keys = server.KeySpec{First: e.Key, Last: e.Key, Step: 1}
		}
		rows = append(rows, row)
	}
	return rows
}

func (e Extra) run(k *server.Call) error {
	if err := k.Reserve(e.Holds); err != nil {
		return err
	}
	defer k.Release(e.Holds)
	ctx, end := k.Context()
	defer end()
	ctx = acl.With(ctx, k.Rights())
	if e.Run != nil {
		return e.Run(ctx, k.Args, k.Out)
	}
	d, err := e.Write(ctx, k.Args, k.Out)
	if err == nil && !d.IsZero() {
		k.Wrote(d)
	}
	return err
}
