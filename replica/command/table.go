package command

import (
	"cmp"

	"kvd/replica/command/admin"
	"kvd/replica/command/script"
	"kvd/replica/resp/server"
)

// Options is what the table is told.
type Options struct {
	// Cursors is how many unfinished SCANs are remembered, the newest ones; others are
	// looked for. Zero: enough for most.
	Cursors int
	// Extra is commands that whoever assembles the leader answers, by name. None may have
	// the name of another command.
	Extra map[string]Extra
}

// Table is every command that a leader knows. It is one server's: rows remember cursors and scripts.
func Table(o Options) []server.Command {
	var table []server.Command
	for _, g := range []struct {
		group string
		rows  []server.Command
	}{
		{"string", stringCommands()},
		{"string", rangeCommands()},
		{"string", floatCommands()},
		{"string", compareCommands()},
		{"bitmap", bitCommands()},
		{"generic", keyCommands(newCursors(cmp.Or(o.Cursors, maxCursors)))},
		{"generic", moveCommands()},
		{"generic", objectCommands()},
		{"scripting", script.Commands()},
		{"connection", admin.Session()},
		{"transactions", admin.Transactions()},
		{"pubsub", admin.Pubsub()},
		{"server", admin.Server()},
		{"server", admin.State()},
		{"server", admin.Slow()},
		{"server", memoryCommands()},
		{"kvd", kvdCommands()},
		{"kvd", extraCommands(o.Extra)},
	} {
		for i := range g.rows {
			g.rows[i].Group = cmp.Or(g.rows[i].Group, g.group)
		}
		table = append(table, g.rows...)
	}
	return table
}
