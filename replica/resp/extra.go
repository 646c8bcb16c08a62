package resp

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Extra is a command that only whoever assembles the leader can answer. It runs
// on the connection's goroutine, after everything before it on the connection
// was answered, and never in a transaction.
type Extra struct {
	Arity   int    // arguments with the name; -n: at least n
	Key     int    // which argument is a key; zero: none
	Summary string // one sentence, for COMMAND DOCS
	// Run writes the reply. The arguments, the name first, are valid for the
	// call. On an error it must have written nothing; the client is told ERR and
	// its text.
	Run func(args [][]byte, w *Writer) error
}

func (c *Config) validateExtra() error {
	table := newTable(nil)
	for _, name := range slices.Sorted(maps.Keys(c.Extra)) {
		e := c.Extra[name]
		switch {
		case name == "" || len(name) > maxName || name != strings.ToLower(name):
			return fmt.Errorf("resp: the extra command %q needs a name in lower case of at most %d bytes", name, maxName)
		case table[name] != nil:
			return fmt.Errorf("resp: the extra command %q has the name of another; choose its own", name)
		case e.Run == nil || e.Arity == 0:
			return fmt.Errorf("resp: the extra command %q has no Run or no Arity", name)
		}
	}
	return nil
}

// extraCommands is rows for the table, in any order.
func extraCommands(extra map[string]Extra) []command {
	rows := make([]command, 0, len(extra))
	for name, e := range extra {
		row := command{name: name, arity: e.Arity, flags: read | alone | single, since: "1.0.0", summary: e.Summary}
		row.run = func(k *call) error { return e.Run(k.args, k.w) }
		if e.Key > 0 {
			row.keys = keySpec{e.Key, e.Key, 1}
		}
		rows = append(rows, row)
	}
	return rows
}
